import { isAbsolute } from "node:path";

/** Which virtualisation QEMU uses; `accelerator.ts` has the rule that chooses. */
export type Accelerator = "kvm" | "tcg";

/** The network namespace that QEMU runs in: the host's, a new empty one, or an existing one by path. */
export type NetworkNamespace = { kind: "host" } | { kind: "new" } | { kind: "path"; path: string };

/** Everything a VM is made of. Checked by `checkVmConfig`, turned into arguments by `qemu-args.ts`. */
export interface VmConfig {
  /** Absolute paths of the parts. */
  readonly kernel: string;
  readonly initrd: string;
  readonly qemu: string;
  readonly virtiofsd: string;
  /** microvm-stand-in and so on: see stand-in.c, taps.c, loopback/main.c, memory.c and blocking.c. */
  readonly standIn: string;
  readonly taps: string;
  readonly loopback: string;
  readonly memory: string;
  readonly blocking: string;
  readonly accelerator: Accelerator;
  /** The host's time-stamp counter, kHz; undefined where it is not to be relied on. */
  readonly tscKhz?: number | undefined;
  readonly vcpus: number;
  /** Memory of the guest in MiB. */
  readonly memoryMib: number;
  /** Directory shared with the guest; what is mounted below it later appears there too. */
  readonly sharedDir: string;
  /** Directory of the volumes, which the host changes too; undefined if there are none, nor any to come. */
  readonly volumesDir?: string | undefined;
  /** Directory, 0700, for the VM's own sockets. */
  readonly runDir: string;
  readonly network: NetworkNamespace;
  /** Network devices of the guest; none can be added later. 0 with the host's network namespace. */
  readonly networkDevices: number;
  /** The user and group that QEMU runs as: one that owns nothing. */
  readonly uid: number;
  /** How long the guest may take from QEMU's start to its first answer, in milliseconds. */
  readonly bootTimeoutMs: number;
}

/** The machine has 8 places for devices: serial, rng, balloon and two virtiofs take the others. */
export const MAX_NETWORK_DEVICES = 3;
export const MIN_MEMORY_MIB = 64;
/** The kernel's CONFIG_NR_CPUS. */
export const MAX_VCPUS = 64;

/** Throws an Error that names what is wrong. */
export function checkVmConfig(config: VmConfig): VmConfig {
  for (const key of ["kernel", "initrd", "qemu", "virtiofsd", "sharedDir", "volumesDir", "runDir"] as const) {
    const path = config[key];
    if (path === undefined) continue;
    if (!isAbsolute(path)) throw new Error(`${key}: "${path}" is not an absolute path`);
    // QEMU's option syntax splits at commas; doubling them is not possible everywhere.
    if (path.includes(",")) throw new Error(`${key}: "${path}" has a comma, which QEMU cannot take in a path`);
  }
  wholeNumber("vcpus", config.vcpus, 1, MAX_VCPUS);
  wholeNumber("memoryMib", config.memoryMib, MIN_MEMORY_MIB, 16 * 1024 * 1024);
  if (config.tscKhz !== undefined) wholeNumber("tscKhz", config.tscKhz, 1, 100_000_000);
  wholeNumber("networkDevices", config.networkDevices, 0, MAX_NETWORK_DEVICES);
  wholeNumber("bootTimeoutMs", config.bootTimeoutMs, 1, 3_600_000);
  return config;
}

function wholeNumber(key: string, value: number, min: number, max: number): void {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new Error(`${key}: ${value} is not a whole number from ${min} to ${max}`);
  }
}
