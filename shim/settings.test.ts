import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { DEFAULTS, parseSettings, readSettings } from "./settings.ts";

test("what is not set has its default, and an unknown key is a warning", () => {
  const warnings: string[] = [];
  const settings = parseSettings(DEFAULTS, 'memory_mib = 1024\ncolour = "red"\n', "c.toml", (text) =>
    warnings.push(text),
  );
  expect(settings).toMatchObject({ memory_mib: 1024, accelerator: "auto", vcpus: 1 });
  expect(warnings).toEqual(['c.toml: unknown key "colour" is ignored']);
});

test.each([
  ["vcpus = 0", "c.toml: vcpus: must be a whole number from 1 to 64"],
  ['memory_mib = "1G"', "c.toml: memory_mib: must be a whole number from 64 to 16777216"],
  ['accelerator = "xen"', 'c.toml: accelerator: must be "auto", "kvm" or "tcg"'],
  ["vcpus = 65", "c.toml: vcpus: must be a whole number from 1 to 64"],
  ["boot_timeout_s = 1.5", "c.toml: boot_timeout_s: must be a whole number from 1 to 3600"],
  ['annotations = ["annotations"]', "c.toml: annotations: must be a list of keys"],
  ['annotations = ["colour"]', "c.toml: annotations: must be a list of keys"],
  ['annotations = "vcpus"', "c.toml: annotations: must be a list of keys"],
  ['kernel = "vmlinux"', "c.toml: kernel: must be an absolute path"],
])("%s is refused", (text, message) => {
  expect(() => parseSettings(DEFAULTS, text, "c.toml", () => {})).toThrow(message);
});

test("what is no TOML is an error with the file's name", () => {
  expect(() => parseSettings(DEFAULTS, "= 1", "c.toml", () => {})).toThrow(/^c\.toml: /);
});

test("a file may be missing only where nobody has named it", () => {
  const path = join(mkdtempSync(join(tmpdir(), "settings-")), "c.toml");
  expect(readSettings(DEFAULTS, path, true, () => {})).toEqual(DEFAULTS);
  expect(() => readSettings(DEFAULTS, path, false, () => {})).toThrow(/^cannot read the configuration: .*c\.toml/);
  expect(() => readSettings(DEFAULTS, "/dev/zero", true, () => {})).toThrow("/dev/zero is no file");
  writeFileSync(path, "vcpus = 3");
  expect(readSettings({ ...DEFAULTS, memory_mib: 77 }, path, false, () => {})).toMatchObject({
    vcpus: 3,
    memory_mib: 77,
  });
});

test("README names every key with its default", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const rows = new Map([...readme.matchAll(/^\| `(\w+)`\s+\| (.*?)\s+\|/gm)].map(([, key, value]) => [key, value]));
  for (const [key, value] of Object.entries(DEFAULTS)) {
    expect([key, rows.get(key)]).toEqual([
      key,
      value === undefined ? "looked for" : `\`${JSON.stringify(value).replaceAll(",", ", ")}\``,
    ]);
  }
});
