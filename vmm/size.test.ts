import { expect, test } from "vitest";
import { type Limits, vmSize } from "./size.ts";

const POLICY = { defaultMemoryMib: 512, maxMemoryMib: 4096, defaultVcpus: 1, maxVcpus: 8, overheadMib: 64 };
const MIB = 1024 * 1024;

test.each<[Limits, number, number]>([
  [{}, 512, 1],
  [{ memory: 256 * MIB }, 320, 1],
  [{ memory: 256 * MIB + 1 }, 321, 1],
  [{ memory: 1 }, 65, 1],
  [{ memory: -1, cpuQuota: -1 }, 512, 1],
  [{ memory: 0, cpuQuota: 0 }, 512, 1],
  [{ memory: 2 ** 62 }, 4096, 1],
  [{ cpuQuota: 150_000 }, 512, 2],
  [{ cpuQuota: 50_000, cpuPeriod: 10_000 }, 512, 5],
  [{ cpuQuota: 1_000, cpuPeriod: 100_000 }, 512, 1],
  [{ cpuQuota: 10_000_000 }, 512, 8],
])("%j", (limits, memoryMib, vcpus) => {
  expect(vmSize(limits, POLICY)).toEqual({ memoryMib, vcpus });
});
