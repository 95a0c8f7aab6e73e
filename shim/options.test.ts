import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { packAny } from "../proto/containerd/any.ts";
import { containerd, runtimeoptions } from "../proto/gen/messages.js";
import { decodeOptions, lateNotes, NO_OPTIONS, startOptions, vmSettings } from "./options.ts";

const ours = (fields: { configPath?: string; configBody?: Buffer }) =>
  packAny("runtimeoptions.v1.Options", runtimeoptions.v1.Options, fields);
const runc = packAny("containerd.runc.v1.Options", containerd.runc.v1.Options, {
  binaryName: "crun",
  shimCgroup: "/shims",
  systemdCgroup: false,
});
const NAMES = { instanceId: "c1", namespace: "n", logLevel: 0, containerdVersion: "", containerdTtrpcAddress: "" };

afterEach(() => {
  vi.unstubAllEnvs();
});

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "options-")), "c.toml");
  writeFileSync(path, text);
  return path;
}

test("a path counts before a body", () => {
  expect(decodeOptions(ours({ configPath: "/c", configBody: Buffer.from("x") }))).toEqual({
    ...NO_OPTIONS,
    configPath: "/c",
  });
  expect(decodeOptions(ours({ configBody: Buffer.from("vcpus = 2") })).configBody).toBe("vcpus = 2");
});

test("of runc's options only the shim's cgroup means something", () => {
  expect(decodeOptions(runc)).toEqual({
    ...NO_OPTIONS,
    shimCgroup: "/shims",
    notes: [{ level: "debug", text: "options for runc mean nothing to this runtime: binaryName" }],
  });
});

test.each([
  { type_url: "x.y/Unknown\n", value: Buffer.from("?") },
  { type_url: "runtimeoptions.v1.Options", value: Buffer.from("ff", "hex") },
])("what cannot be understood is a warning: %j", (any) => {
  const { notes, ...rest } = decodeOptions(any);
  expect({ ...rest, notes: [] }).toEqual(NO_OPTIONS);
  expect(notes).toMatchObject([{ level: "warning" }]);
});

test("options come alone or among the extensions", () => {
  expect(startOptions({ kind: "empty" })).toEqual(NO_OPTIONS);
  expect(startOptions({ kind: "options", options: runc }).shimCgroup).toBe("/shims");
  const params = {
    ...NAMES,
    containerdGrpcAddress: "",
    containerdBinary: "",
    socketDir: undefined,
    extensions: [{ type_url: "other", value: Buffer.alloc(1) }, ours({ configPath: "/c" })],
  };
  const options = startOptions({ kind: "bootstrap", params });
  expect(options).toMatchObject({ configPath: "/c", notes: [{ level: "warning" }] });
});

test("options of a task that are not those of the start are a warning", () => {
  const start = decodeOptions(ours({ configPath: "/c" }));
  expect(lateNotes(ours({ configPath: "/c" }), start)).toEqual([]);
  expect(lateNotes(ours({}), start)).toEqual([]);
  expect(lateNotes(runc, start)).toEqual([]);
  expect(lateNotes(ours({ configPath: "/other" }), start)).toMatchObject([{ level: "warning" }]);
  expect(lateNotes({ type_url: "x", value: Buffer.alloc(0) }, start)).toMatchObject([{ level: "warning" }]);
});

test("each source overrides those before it, key by key", () => {
  vi.stubEnv("MICROVM_CONFIG", file("vcpus = 2\nmemory_mib = 100\nboot_timeout_s = 9"));
  const options = { ...NO_OPTIONS, configPath: file("vcpus = 3\nmemory_mib = 200") };
  const annotations = { "io.microvm.vcpus": "4" };
  expect(vmSettings(options, annotations, () => {})).toMatchObject({ vcpus: 4, memory_mib: 200, boot_timeout_s: 9 });
});

test("an error names its source", () => {
  vi.stubEnv("MICROVM_CONFIG", file(""));
  const settings = (configBody: string) => () => vmSettings({ ...NO_OPTIONS, configBody }, {}, () => {});
  expect(settings("vcpus = 0")).toThrow("runtime options: vcpus: must be a whole number from 1 to 64");
  expect(settings("= 3")).toThrow(/^runtime options: /);
  const missing = { ...NO_OPTIONS, configPath: "/nonexistent/c.toml" };
  expect(() => vmSettings(missing, {}, () => {})).toThrow(/cannot read the configuration: .*\/nonexistent\/c\.toml/);
});
