import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

export const DEFAULT_SETTINGS_PATH = "/etc/microvm/config.toml";

/** What the configuration file sets. Every key is optional there; undefined paths are looked for by vmm/locate.ts. */
export interface Settings {
  kernel: string | undefined;
  initrd: string | undefined;
  qemu: string | undefined;
  virtiofsd: string | undefined;
  accelerator: "auto" | "kvm" | "tcg";
  /** Seconds from QEMU's start to the guest's first answer. */
  boot_timeout_s: number;
  /** Of a VM whose container has no limit, and the most that any VM gets. */
  memory_mib: number;
  max_memory_mib: number;
  vcpus: number;
  max_vcpus: number;
  /** Added to a container's memory limit for the guest's kernel and guest-init. */
  overhead_mib: number;
  /** Added to the guest's memory for QEMU and virtiofsd, in the memory limit of the VM's cgroup on the host. */
  host_overhead_mib: number;
}

const DEFAULTS: Settings = {
  kernel: undefined,
  initrd: undefined,
  qemu: undefined,
  virtiofsd: undefined,
  accelerator: "auto",
  boot_timeout_s: 20,
  memory_mib: 512,
  max_memory_mib: 1024 * 1024,
  vcpus: 1,
  max_vcpus: 64,
  overhead_mib: 64,
  host_overhead_mib: 256,
};

/**
 * Reads the configuration file; no file means the defaults. An unknown key is a warning, for a newer file must not stop
 * an older shim; a wrong value is an Error that names the file and the key.
 */
export function readSettings(path: string, warn: (message: string) => void): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT" && path === DEFAULT_SETTINGS_PATH) return { ...DEFAULTS };
    throw new Error(`cannot read the configuration: ${(error as Error).message}`, { cause: error });
  }
  return parseSettings(text, path, warn);
}

export function parseSettings(text: string, path: string, warn: (message: string) => void): Settings {
  let table: Record<string, unknown>;
  try {
    table = parse(text);
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message.split("\n")[0]}`, { cause: error });
  }
  const settings: Record<string, unknown> = { ...DEFAULTS };
  for (const [key, value] of Object.entries(table)) {
    if (!(key in DEFAULTS)) {
      warn(`${path}: unknown key "${key}" is ignored`);
      continue;
    }
    const problem = check(key as keyof Settings, value);
    if (problem !== undefined) throw new Error(`${path}: ${key}: ${problem}`);
    settings[key] = value;
  }
  return settings as unknown as Settings;
}

function check(key: keyof Settings, value: unknown): string | undefined {
  if (key === "accelerator") {
    return ["auto", "kvm", "tcg"].includes(value as string) ? undefined : 'must be "auto", "kvm" or "tcg"';
  }
  if (typeof DEFAULTS[key] === "number") {
    return Number.isInteger(value) && (value as number) > 0 ? undefined : "must be a whole number above 0";
  }
  return typeof value === "string" && value.startsWith("/") ? undefined : "must be an absolute path";
}
