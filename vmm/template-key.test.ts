import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { templateKey } from "./template-key.ts";
import type { VmConfig } from "./vm-config.ts";

let directory: string;
let config: VmConfig;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "key-"));
  const part = (name: string) => {
    writeFileSync(join(directory, name), name);
    return join(directory, name);
  };
  config = {
    kernel: part("vmlinux"),
    initrd: part("initrd.img"),
    qemu: part("qemu"),
    virtiofsd: part("virtiofsd"),
    standIn: "/stand-in",
    taps: "/taps",
    loopback: "/loopback",
    memory: "/memory",
    blocking: "/blocking",
    accelerator: "tcg",
    tscKhz: 2_000_000,
    vcpus: 1,
    memoryMib: 256,
    networkDevices: 1,
    sharedDir: "/run/one/shared",
    runDir: "/run/one",
    network: { kind: "new" },
    uid: 1,
    bootTimeoutMs: 1000,
  };
});

afterEach(() => rmSync(directory, { recursive: true }));

test("two VMs of a kind have the same one", () => {
  const other: VmConfig = {
    ...config,
    sharedDir: "/run/two/shared",
    runDir: "/run/two",
    network: { kind: "path", path: "/n" },
    uid: 2,
    bootTimeoutMs: 2000,
  };
  expect(templateKey(config)).toMatch(/^[0-9a-f]{32}$/);
  expect(templateKey(other)).toBe(templateKey(config));
});

test.each<[string, Partial<VmConfig>]>([
  ["size", { memoryMib: 512 }],
  ["processors", { vcpus: 2 }],
  ["accelerator", { accelerator: "kvm" }],
  ["time-stamp counter", { tscKhz: 2_000_001 }],
  ["network devices", { networkDevices: 2 }],
  ["volumes", { volumesDir: "/run/one/volumes" }],
])("another %s is another one", (_, change) => {
  expect(templateKey({ ...config, ...change })).not.toBe(templateKey(config));
});

test.each(["kernel", "initrd", "qemu", "virtiofsd"] as const)(
  "a %s that has been written anew is another one",
  (part) => {
    const before = templateKey(config);
    rmSync(config[part]);
    writeFileSync(config[part], part);
    expect(templateKey(config)).not.toBe(before);
  },
);
