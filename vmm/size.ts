import { MAX_VCPUS, MIN_MEMORY_MIB } from "./vm-config.ts";

/** The limits of a container or pod that decide how large its VM is. Undefined: no limit. */
export interface Limits {
  /** Bytes. */
  readonly memory?: number | undefined;
  /** CPU time in microseconds per `cpuPeriod`. */
  readonly cpuQuota?: number | undefined;
  /** Microseconds; 100,000 when undefined, as the kernel has it. */
  readonly cpuPeriod?: number | undefined;
}

export interface SizePolicy {
  /** For a container without a limit. */
  readonly defaultMemoryMib: number;
  readonly maxMemoryMib: number;
  readonly defaultVcpus: number;
  readonly maxVcpus: number;
  /** What the guest's kernel and guest-init use themselves, added to a container's limit. */
  readonly overheadMib: number;
}

export interface Size {
  readonly memoryMib: number;
  readonly vcpus: number;
}

const MIB = 1024 * 1024;

/**
 * A container with a memory limit gets that much and the overhead, so that the limit is met by the container's cgroup
 * in the guest and not by the guest running out. A CPU quota is rounded up to whole processors.
 */
export function vmSize(limits: Limits, policy: SizePolicy): Size {
  const { memory, cpuQuota, cpuPeriod } = limits;
  const memoryMib = positive(memory) ? Math.ceil(memory / MIB) + policy.overheadMib : policy.defaultMemoryMib;
  const vcpus = positive(cpuQuota)
    ? Math.ceil(cpuQuota / (positive(cpuPeriod) ? cpuPeriod : 100_000))
    : policy.defaultVcpus;
  return {
    memoryMib: clamp(memoryMib, MIN_MEMORY_MIB, policy.maxMemoryMib),
    vcpus: clamp(vcpus, 1, Math.min(policy.maxVcpus, MAX_VCPUS)),
  };
}

/** The kernel writes "no limit" as -1, and some clients as 0. */
function positive(value: number | undefined): value is number {
  return value !== undefined && value > 0;
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(Math.max(value, min), max);
}
