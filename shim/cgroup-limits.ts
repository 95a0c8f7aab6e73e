import type { Resources } from "./bundle.ts";

/** A value for a file of the cgroup, and the controller that has the file. */
export interface Limit {
  readonly controller: string;
  readonly file: string;
  readonly value: string;
}

/**
 * What the limits of a container are for the cgroup of its VM. Pure.
 *
 * `memoryBytes` is all that the VM may take: the guest's memory and what QEMU and virtiofsd need themselves. It stands
 * in the place of the container's limit, which is met in the guest. Processes are not counted: those of the container
 * are the guest's.
 */
export function vmLimits(resources: Resources, memoryBytes: number, version: 1 | 2): Limit[] {
  const limits = version === 1 ? limits1(resources, memoryBytes) : limits2(resources, memoryBytes);
  return limits.flatMap(([controller, file, value]) => (value === undefined ? [] : [{ controller, file, value }]));
}

/** Whether anything is limited that the host's cgroup would have to hold. */
export function isLimited({ memory, cpu }: Resources): boolean {
  return positive(memory?.limit) || positive(cpu?.quota) || Boolean(cpu?.cpus);
}

type Row = [controller: string, file: string, value: string | undefined];

function limits1({ memory, cpu }: Resources, memoryBytes: number): Row[] {
  const limit = limitOf(memory?.limit, memoryBytes, "-1");
  return [
    ["memory", "memory.limit_in_bytes", limit],
    ["memory", "memory.memsw.limit_in_bytes", withSwap(memory, memoryBytes)],
    ["cpu", "cpu.shares", positive(cpu?.shares) ? String(cpu?.shares) : undefined],
    // The period first: the kernel checks the two together.
    ["cpu", "cpu.cfs_period_us", positive(cpu?.period) ? String(cpu?.period) : undefined],
    ["cpu", "cpu.cfs_quota_us", limitOf(cpu?.quota, cpu?.quota, "-1")],
    ["cpuset", "cpuset.cpus", cpu?.cpus || undefined],
    ["cpuset", "cpuset.mems", cpu?.mems || undefined],
  ];
}

function limits2({ memory, cpu }: Resources, memoryBytes: number): Row[] {
  const quota = limitOf(cpu?.quota, cpu?.quota, "max");
  return [
    ["memory", "memory.max", limitOf(memory?.limit, memoryBytes, "max")],
    ["memory", "memory.swap.max", swapOnly(memory)],
    ["cpu", "cpu.weight", positive(cpu?.shares) ? String(weight(cpu?.shares as number)) : undefined],
    ["cpu", "cpu.max", quota === undefined ? undefined : `${quota} ${positive(cpu?.period) ? cpu?.period : 100_000}`],
    ["cpuset", "cpuset.cpus", cpu?.cpus || undefined],
    ["cpuset", "cpuset.mems", cpu?.mems || undefined],
  ];
}

/** 0 and what is absent leave as it is, below 0 is no limit; OCI runtime specification, "Memory" and "CPU". */
function limitOf(asked: number | undefined, value: number | undefined, none: string): string | undefined {
  if (asked === undefined || asked === 0) return undefined;
  return asked < 0 ? none : String(value);
}

function withSwap(memory: Resources["memory"], memoryBytes: number): string | undefined {
  if (memory?.swap !== undefined && memory.swap < 0) return "-1";
  const swap = swapOnly(memory);
  return swap === undefined ? undefined : String(memoryBytes + Number(swap));
}

/** The specification's `swap` is memory and swap together. */
function swapOnly(memory: Resources["memory"]): string | undefined {
  const { limit, swap } = memory ?? {};
  if (swap !== undefined && swap < 0) return "max";
  return positive(swap) && positive(limit) && swap >= limit ? String(swap - limit) : undefined;
}

/** From 2-262144 to 1-10000, as runc and crun have it. */
function weight(shares: number): number {
  return Math.floor(1 + ((Math.min(Math.max(shares, 2), 262_144) - 2) * 9999) / 262_142);
}

function positive(value: number | undefined): value is number {
  return value !== undefined && value > 0;
}
