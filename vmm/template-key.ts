import { closeSync, openSync, readSync, statSync } from "node:fs";
import { nameDigest } from "./digest.ts";
import { qemuArgs } from "./qemu-args.ts";
import { sharedDirectories } from "./shared-directories.ts";
import { virtiofsdArgs } from "./virtiofsd-args.ts";
import type { VmConfig } from "./vm-config.ts";

/** Of what is in a template's directory, and of what is done in the guest before it is saved. */
const FORMAT = 1;
/** The first processor's lines; a machine with many of them takes long to tell them all. */
const CPUINFO_BYTES = 4096;
const NO_DESCRIPTORS = { qmp: 0, control: 0, io: 0, kernel: 0, initrd: 0, kvm: 0, memory: 0, taps: 0 };

/**
 * The name of the template that fits a VM: another one whenever the kernel, the initrd, QEMU, virtiofsd, the processor or
 * anything on their command lines is another. 32 hexadecimal digits. Throws if a part is missing.
 */
export function templateKey(config: VmConfig): string {
  const shares = sharedDirectories(config);
  const parts = [config.kernel, config.initrd, config.qemu, config.virtiofsd].map(identity);
  const qemu = qemuArgs(
    config,
    NO_DESCRIPTORS,
    shares.map(({ tag }) => ({ tag, socketPath: "" })),
  );
  const virtiofsd = shares.map(({ cache }) => virtiofsdArgs("", 0, cache));
  const text = JSON.stringify([FORMAT, parts, qemu, virtiofsd, processor()]);
  return nameDigest(text).slice(0, 32);
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
