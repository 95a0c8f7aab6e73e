import { closeSync, openSync, readSync, statSync } from "node:fs";
import { nameDigest } from "./digest.ts";
import { sharedDirectories } from "./shared-directories.ts";
import type { VmConfig } from "./vm-config.ts";

/** Of what is in a template's directory, and of what is done in the guest before it is saved. */
const FORMAT = 2;
/** The first processor's lines; a machine with many of them takes long to tell them all. */
const CPUINFO_BYTES = 4096;

/**
 * The name of the template that fits a VM: another one whenever the kernel, the initrd, QEMU, virtiofsd, the processor, this
 * program or what it puts on their command lines is another. 32 hexadecimal digits. Throws if a part is missing.
 */
export function templateKey(config: VmConfig): string {
  const { kernel, initrd, qemu, virtiofsd, accelerator, tscKhz, vcpus, memoryMib, networkDevices } = config;
  const parts = [kernel, initrd, qemu, virtiofsd, process.execPath].map(identity);
  // Their command lines are long, and follow from these: each start waits for the digest.
  const options = { accelerator, tscKhz, vcpus, memoryMib, networkDevices, shares: sharedDirectories(config).length };
  // An emulated one is the same everywhere.
  const host = accelerator === "kvm" ? processor() : "";
  return nameDigest(JSON.stringify([FORMAT, parts, options, host])).slice(0, 32);
}

/** Contents take long to read; a file that has not been touched is the same. */
function identity(path: string): string {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  return [path, dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

function processor(): string {
  const fd = openSync("/proc/cpuinfo", "r");
  try {
    const bytes = Buffer.alloc(CPUINFO_BYTES);
    const text = bytes.toString("latin1", 0, readSync(fd, bytes));
    const wanted = /^(vendor_id|cpu family|model|model name|stepping|microcode|flags)\s*:/;
    const [first = ""] = text.split("\n\n");
    return first
      .split("\n")
      .filter((line) => wanted.test(line))
      .join("\n");
  } finally {
    closeSync(fd);
  }
}
