import { accessSync, constants, statSync } from "node:fs";
import { delimiter, dirname, join, resolve } from "node:path";

/** Paths that the configuration gives; what is undefined is looked for. */
export interface PartPaths {
  readonly kernel?: string | undefined;
  readonly initrd?: string | undefined;
  readonly qemu?: string | undefined;
  readonly virtiofsd?: string | undefined;
  readonly standIn?: string | undefined;
  readonly taps?: string | undefined;
  readonly loopback?: string | undefined;
  readonly memory?: string | undefined;
  readonly blocking?: string | undefined;
  readonly tsc?: string | undefined;
}

export type Parts = { readonly [K in keyof PartPaths]-?: string };

const BUILD_IT = "run 'make build' or 'make install'";

const REMEDIES = {
  kernel: `${BUILD_IT}, or set \`kernel\` in the configuration`,
  initrd: `${BUILD_IT}, or set \`initrd\` in the configuration`,
  qemu: "install qemu-system-x86 8.2 or later, or set `qemu` in the configuration",
  standIn: BUILD_IT,
  taps: BUILD_IT,
  loopback: BUILD_IT,
  memory: BUILD_IT,
  blocking: BUILD_IT,
  tsc: BUILD_IT,
  virtiofsd: "install virtiofsd 1.11 or later (the Rust program), or set `virtiofsd` in the configuration",
} as const;

/**
 * Finds what a VM is made of: where the configuration says, else beside the shim, else in ../../share/microvm (kernel
 * and initrd), else on PATH and in the distribution's places (QEMU and virtiofsd).
 *
 * Throws an Error that names the part, the places that were tried and the remedy.
 */
export function locateParts(configured: PartPaths, shim: string, path: string): Parts {
  const beside = dirname(shim);
  const share = resolve(beside, "../../share/microvm");
  const onPath = (name: string) => path.split(delimiter).map((directory) => join(directory, name));
  const candidates: Record<keyof Parts, string[]> = {
    kernel: [join(beside, "vmlinux"), join(share, "vmlinux")],
    initrd: [join(beside, "initrd.img"), join(share, "initrd.img")],
    qemu: [...onPath("qemu-system-x86_64"), "/usr/bin/qemu-system-x86_64"],
    virtiofsd: [join(beside, "virtiofsd"), "/usr/libexec/virtiofsd", ...onPath("virtiofsd")],
    standIn: [join(beside, "microvm-stand-in")],
    taps: [join(beside, "microvm-taps")],
    loopback: [join(beside, "microvm-loopback")],
    memory: [join(beside, "microvm-memory")],
    blocking: [join(beside, "microvm-blocking")],
    tsc: [join(beside, "microvm-tsc")],
  };
  const find = (part: keyof Parts): string => {
    const given = configured[part];
    const tried = given === undefined ? candidates[part] : [given];
    const executable = part !== "kernel" && part !== "initrd";
    const found = tried.find((candidate) => candidate.startsWith("/") && usable(candidate, executable));
    if (found === undefined) throw new Error(`${part} not found at ${tried.join(", ")}: ${REMEDIES[part]}`);
    return found;
  };
  return {
    kernel: find("kernel"),
    initrd: find("initrd"),
    qemu: find("qemu"),
    virtiofsd: find("virtiofsd"),
    standIn: find("standIn"),
    taps: find("taps"),
    loopback: find("loopback"),
    memory: find("memory"),
    blocking: find("blocking"),
    tsc: find("tsc"),
  };
}

/** The program that compiles seccomp profiles, from the same build as the initrd. Undefined if there is none. */
export function locateSeccomp(shim: string): string | undefined {
  const path = join(dirname(shim), "microvm-seccomp");
  return usable(path, true) ? path : undefined;
}

function usable(path: string, executable: boolean): boolean {
  try {
    accessSync(path, executable ? constants.X_OK : constants.R_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
