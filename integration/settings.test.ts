/** What configures a VM, and what the log tells of it. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useLab, VERSIONS, visible } from "./harness/lab.ts";

describe.each(VERSIONS)("the log of containerd %s at debug level", (version) => {
  const lab = useLab(version, "", false, "debug");

  test("has the exact command line of QEMU, and what a start spends its time on", async () => {
    await lab.run(["true"]);
    const log = lab.containerd.logText;
    expect(log).toMatch(/level=debug msg="QEMU: \[.*\\"-M\\",\\"microvm,.*runtime=microvm scope=microvm-vm/);
    expect(log).toMatch(/level=debug msg="guest ready" runtime=microvm t_boot=\d+/);
    expect(log).toMatch(/level=debug msg="container created" runtime=microvm id=\S+ t_mount=\d+/);
  });
});

describe.each(VERSIONS)("what configures a VM under containerd %s", (version) => {
  const lab = useLab(version, "vcpus = 2\nmemory_mib = 200\nboot_timeout_s = 60\n");

  async function size(flags: readonly string[]): Promise<{ vcpus: number; memoryMib: number }> {
    const { stdout, stderr } = await lab.run(["sh", "-c", "nproc; grep MemTotal /proc/meminfo"], { flags });
    const [, vcpus, kib] = /^(\d+)\nMemTotal:\s+(\d+) kB/.exec(stdout.toString()) ?? [];
    if (kib === undefined) throw new Error(stderr.toString());
    return { vcpus: Number(vcpus), memoryMib: Number(kib) / 1024 };
  }

  test("options override the file, and annotations the options, key by key", async () => {
    const options = join(lab.containerd.directory, "options.toml");
    writeFileSync(options, "memory_mib = 300\nvcpus = 1\n");
    const { vcpus, memoryMib } = await size([
      "--runtime-config-path",
      options,
      "--annotation",
      "io.microvm.vcpus=2",
      "--annotation",
      "io.microvm.qemu=/bin/false",
    ]);
    expect(vcpus).toBe(2);
    expect(memoryMib).toBeGreaterThan(210);
    expect(memoryMib).toBeLessThan(300);
    expect(lab.containerd.logText).toMatch(/level=warning msg="annotation \\"io\.microvm\.qemu\\" is ignored: /);
  });

  test.each([
    ["an annotation", ["--annotation", "io.microvm.vcpus=65"], /annotation io\.microvm\.vcpus: must be a whole number/],
    [
      "options that are not there",
      ["--runtime-config-path", "/nonexistent.toml"],
      /configuration: .*\/nonexistent\.toml/,
    ],
  ])("a wrong value is an error that names its source: %s", async (_, flags, message) => {
    const { code, stderr } = visible(await lab.run(["true"], { flags }));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
