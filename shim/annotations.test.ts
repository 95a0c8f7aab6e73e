import { expect, test } from "vitest";
import { applyAnnotations } from "./annotations.ts";
import { DEFAULTS } from "./settings.ts";

function apply(annotations: Record<string, string>, settings = DEFAULTS) {
  const warnings: string[] = [];
  return { settings: applyAnnotations(settings, annotations, (text) => warnings.push(text)), warnings };
}

test("sizes may be set, and other annotations are nobody's business here", () => {
  const { settings, warnings } = apply({ "io.microvm.memory_mib": "1024", "io.microvm.vcpus": "2", other: "x" });
  expect(settings).toEqual({ ...DEFAULTS, memory_mib: 1024, vcpus: 2 });
  expect(warnings).toEqual([]);
});

test("what is not allowed or not known is a warning that names it", () => {
  const { settings, warnings } = apply({
    "io.microvm.qemu": "/tmp/evil",
    "io.microvm.annotations": '["qemu"]',
    "io.microvm.toString": "x",
  });
  expect(settings).toEqual(DEFAULTS);
  expect(warnings).toEqual([
    'annotation "io.microvm.qemu" is ignored: `annotations` in the configuration does not list "qemu"',
    'annotation "io.microvm.annotations" is ignored: `annotations` in the configuration does not list "annotations"',
    'annotation "io.microvm.toString" is ignored: there is no such key',
  ]);
});

test("the configuration says which are allowed", () => {
  const allowing = { ...DEFAULTS, annotations: ["kernel"] };
  expect(apply({ "io.microvm.kernel": "/boot/k" }, allowing).settings.kernel).toBe("/boot/k");
  expect(apply({ "io.microvm.vcpus": "2" }, allowing).settings.vcpus).toBe(1);
});

test.each(["", "0", "-1", "1.5", "0x10", "1e3", "99999999999999999999", "2 "])(
  "%j is no number of processors",
  (text) => {
    expect(() => apply({ "io.microvm.vcpus": text })).toThrow(
      "annotation io.microvm.vcpus: must be a whole number from 1 to 64",
    );
  },
);
