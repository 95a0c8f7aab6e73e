/** A part that is missing or broken: one line that says what is wrong, in time, and nothing remains. */
import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { useLab, visible } from "./harness/lab.ts";

/** Hangs as a QEMU does whose KVM never runs the guest. */
function hangingQemu(): string {
  const path = join(mkdtempSync("/run/qemu-"), "qemu");
  writeFileSync(path, "#!/bin/sh\nexec sleep 1000\n");
  chmodSync(path, 0o755);
  chmodSync(join(path, ".."), 0o755);
  return path;
}

describe.each([
  ["a missing kernel", 'kernel = "/nonexistent/vmlinux"', /kernel not found at \/nonexistent\/vmlinux: run/],
  ["a missing QEMU", 'qemu = "/nonexistent/qemu"', /qemu not found at \/nonexistent\/qemu: install/],
  ["a missing virtiofsd", 'virtiofsd = "/nonexistent/virtiofsd"', /virtiofsd not found at .*: install/],
  ["a kernel that is none", 'kernel = "/etc/passwd"', /VM ended before the guest was ready: QEMU ended with/],
  ["an initrd that is none", 'initrd = "/etc/passwd"', /Kernel panic/],
  ["a QEMU that fails", 'qemu = "/bin/false"', /QEMU ended with exit status 1/],
  ["a virtiofsd that fails", 'virtiofsd = "/bin/false"', /virtiofsd ended with exit status 1/],
  ["a wrong configuration", "memory_mib = 0", /memory_mib: must be a whole number from 64/],
  ["a guest that never answers", `qemu = "${hangingQemu()}"\nboot_timeout_s = 2`, /not ready within 2 s/],
])("%s", (_, settings, message) => {
  const lab = useLab("1.6", settings, settings.startsWith("initrd"));

  test("ctr run fails with one line", async () => {
    const result = await lab.run(["true"], { limit: 20_000 });
    const { code, stderr } = visible(result);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });
});
