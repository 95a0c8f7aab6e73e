import { expect, test } from "vitest";
import { parseSettings } from "./settings.ts";

test("what is not set has its default, and an unknown key is a warning", () => {
  const warnings: string[] = [];
  const settings = parseSettings('memory_mib = 1024\ncolour = "red"\n', "c.toml", (text) => warnings.push(text));
  expect(settings).toMatchObject({ memory_mib: 1024, accelerator: "auto", vcpus: 1 });
  expect(warnings).toEqual(['c.toml: unknown key "colour" is ignored']);
});

test.each([
  ["vcpus = 0", "c.toml: vcpus: must be a whole number above 0"],
  ['memory_mib = "1G"', "c.toml: memory_mib: must be a whole number above 0"],
  ['accelerator = "xen"', 'c.toml: accelerator: must be "auto", "kvm" or "tcg"'],
  ['kernel = "vmlinux"', "c.toml: kernel: must be an absolute path"],
])("%s is refused", (text, message) => {
  expect(() => parseSettings(text, "c.toml", () => {})).toThrow(message);
});

test("what is no TOML is an error with the file's name", () => {
  expect(() => parseSettings("= 1", "c.toml", () => {})).toThrow(/^c\.toml: /);
});
