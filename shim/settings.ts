import { readFileSync, statSync } from "node:fs";
import { parse } from "smol-toml";
import { MAX_NETWORK_DEVICES, MAX_VCPUS, MIN_MEMORY_MIB } from "../vmm/vm-config.ts";

export const DEFAULT_SETTINGS_PATH = "/etc/microvm/config.toml";

/** What the configuration sets. Every key is optional there; undefined paths are looked for by vmm/locate.ts. */
export interface Settings {
  kernel: string | undefined;
  initrd: string | undefined;
  qemu: string | undefined;
  virtiofsd: string | undefined;
  accelerator: "auto" | "kvm" | "tcg";
  /**
   * VMs from a template: made when one is missing, only where there is one (`containerd-shim-microvm-v2 template` makes
   * it), or never.
   */
  template: "auto" | "prepared" | "off";
  /** Seconds from QEMU's start to the guest's first answer. */
  boot_timeout_s: number;
  /** Of a VM whose container has no limit, and the most that any VM gets. */
  memory_mib: number;
  max_memory_mib: number;
  vcpus: number;
  max_vcpus: number;
  /** Interfaces that the network namespace of a container may have. */
  network_devices: number;
  /** Added to a container's memory limit for the guest's kernel and guest-init. */
  overhead_mib: number;
  /** Added to the guest's memory for QEMU and virtiofsd, in the memory limit of the VM's cgroup on the host. */
  host_overhead_mib: number;
  /** Keys that an annotation may set. */
  annotations: readonly string[];
}

export const DEFAULTS: Settings = {
  kernel: undefined,
  initrd: undefined,
  qemu: undefined,
  virtiofsd: undefined,
  accelerator: "auto",
  template: "auto",
  boot_timeout_s: 20,
  memory_mib: 512,
  max_memory_mib: 1024 * 1024,
  vcpus: 1,
  max_vcpus: 64,
  network_devices: 2,
  overhead_mib: 64,
  host_overhead_mib: 256,
  annotations: ["memory_mib", "vcpus", "network_devices", "template"],
};

const MAX_MEMORY_MIB = 16 * 1024 * 1024;
/** A configuration is small; what is larger is something else. */
const MAX_BYTES = 1024 * 1024;

type Rule = (value: unknown) => string | undefined;

/** What is allowed for each key; a rule gives what is wrong, in words. */
const RULES: Record<keyof Settings, Rule> = {
  kernel: absolutePath,
  initrd: absolutePath,
  qemu: absolutePath,
  virtiofsd: absolutePath,
  accelerator: oneOf("auto", "kvm", "tcg"),
  template: oneOf("auto", "prepared", "off"),
  boot_timeout_s: wholeNumber(1, 3600),
  memory_mib: wholeNumber(MIN_MEMORY_MIB, MAX_MEMORY_MIB),
  max_memory_mib: wholeNumber(MIN_MEMORY_MIB, MAX_MEMORY_MIB),
  vcpus: wholeNumber(1, MAX_VCPUS),
  max_vcpus: wholeNumber(1, MAX_VCPUS),
  network_devices: wholeNumber(0, MAX_NETWORK_DEVICES),
  overhead_mib: wholeNumber(0, MAX_MEMORY_MIB),
  host_overhead_mib: wholeNumber(0, MAX_MEMORY_MIB),
  annotations: (value) =>
    Array.isArray(value) && value.every((key) => isKey(key) && key !== "annotations")
      ? undefined
      : "must be a list of keys of the configuration, without itself",
};

function absolutePath(value: unknown): string | undefined {
  return typeof value === "string" && value.startsWith("/") ? undefined : "must be an absolute path";
}

function oneOf(...words: readonly string[]): Rule {
  const list = words
    .map((word) => `"${word}"`)
    .join(", ")
    .replace(/, ("\w+")$/, " or $1");
  return (value) => (words.includes(value as string) ? undefined : `must be ${list}`);
}

function wholeNumber(min: number, max: number): Rule {
  return (value) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? undefined
      : `must be a whole number from ${min} to ${max}`;
}

export function isKey(key: unknown): key is keyof Settings {
  return typeof key === "string" && Object.hasOwn(RULES, key);
}

/** `settings` with one key changed. `source` is named in the Error for a wrong value. */
export function withValue(settings: Settings, key: keyof Settings, value: unknown, source: string): Settings {
  const problem = RULES[key](value);
  if (problem !== undefined) throw new Error(`${source}: ${problem}`);
  return { ...settings, [key]: value };
}

/**
 * `settings` overridden by a file, key by key. An unknown key is a warning, for a newer file must not stop an older shim;
 * a wrong value is an Error that names the file and the key. A file that is missing is an error, too, unless
 * `mayBeMissing`.
 */
export function readSettings(
  settings: Settings,
  path: string,
  mayBeMissing: boolean,
  warn: (message: string) => void,
): Settings {
  let text: string;
  try {
    const stat = statSync(path);
    if (!stat.isFile()) throw new Error(`${path} is no file`);
    if (stat.size > MAX_BYTES) throw new Error(`${path} is larger than ${MAX_BYTES} bytes`);
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && mayBeMissing) return settings;
    throw new Error(`cannot read the configuration: ${(error as Error).message}`, { cause: error });
  }
  return parseSettings(settings, text, path, warn);
}

/** `settings` overridden by TOML text; `source` is what errors and warnings name. */
export function parseSettings(
  settings: Settings,
  text: string,
  source: string,
  warn: (message: string) => void,
): Settings {
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    throw new Error(`${source}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
  let result = settings;
  for (const [key, value] of Object.entries(table)) {
    if (isKey(key)) result = withValue(result, key, value, `${source}: ${key}`);
    else warn(`${source}: unknown key "${key}" is ignored`);
  }
  return result;
}
