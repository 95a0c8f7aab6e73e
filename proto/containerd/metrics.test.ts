import { expect, test } from "vitest";
import { io } from "../gen/messages.js";
import type { GuestStats } from "../guest/methods.ts";
import { metricsV1, metricsV2 } from "./metrics.ts";

const USED: GuestStats = {
  cpuUsageUsec: 5,
  cpuUserUsec: 3,
  cpuSystemUsec: 2,
  cpuNrPeriods: 7,
  cpuNrThrottled: 1,
  cpuThrottledUsec: 9,
  memoryUsage: 4096,
  memoryLimit: 2 ** 64,
  memoryPeak: 8192,
  swapUsage: 0,
  swapLimit: 2 ** 64,
  memoryStat: { anon: 100, file: 200, inactive_file: 50, pgfault: 11, a_new_count: 1 },
  memoryEvents: { max: 4, oom_kill: 2 },
  pidsCurrent: 3,
  pidsLimit: 2 ** 64,
  io: [{ major: 254, minor: 16, rbytes: 10, wbytes: 20, rios: 1, wios: 2 }],
  guestMemoryUsage: 0,
};

test("version 2: the kernel's own units, and no limit is 2^64-1", () => {
  const any = metricsV2(USED);
  expect(any.type_url).toBe("io.containerd.cgroups.v2.Metrics");
  const metrics = io.containerd.cgroups.v2.Metrics.decode(any.value ?? new Uint8Array());
  expect(metrics.cpu).toMatchObject({ usageUsec: 5, userUsec: 3, systemUsec: 2, nrPeriods: 7, throttledUsec: 9 });
  expect(metrics.memory).toMatchObject({
    anon: 100,
    inactiveFile: 50,
    usage: 4096,
    maxUsage: 8192,
    usageLimit: 2 ** 64,
  });
  expect(metrics.memoryEvents).toMatchObject({ max: 4, oomKill: 2 });
  expect(metrics.pids).toMatchObject({ current: 3, limit: 2 ** 64 });
  expect(metrics.io?.usage).toMatchObject([{ major: 254, minor: 16, rbytes: 10, wios: 2 }]);
});

test("version 1: nanoseconds, both forms of each count, and the limits that its kernel says where there is none", () => {
  const any = metricsV1(USED);
  expect(any.type_url).toBe("io.containerd.cgroups.v1.Metrics");
  const metrics = io.containerd.cgroups.v1.Metrics.decode(any.value ?? new Uint8Array());
  expect(metrics.cpu?.usage).toMatchObject({ total: 5000, user: 3000, kernel: 2000 });
  expect(metrics.memory).toMatchObject({ cache: 200, totalCache: 200, totalInactiveFile: 50, totalPgFault: 11 });
  expect(metrics.memory?.usage).toMatchObject({ usage: 4096, limit: 2 ** 63 - 4096, max: 8192, failcnt: 4 });
  expect(metrics.memoryOomControl).toMatchObject({ oomKill: 2 });
  expect(metrics.pids).toMatchObject({ current: 3, limit: 0 });
  expect(metrics.blkio?.ioServiceBytesRecursive).toMatchObject([
    { op: "Read", value: 10 },
    { op: "Write", value: 20 },
  ]);
});

test("version 1: a limit counts for memory, and for memory and swap together", () => {
  const any = metricsV1({ ...USED, memoryLimit: 1000, swapLimit: 500, swapUsage: 4 });
  const { memory } = io.containerd.cgroups.v1.Metrics.decode(any.value ?? new Uint8Array());
  expect(memory).toMatchObject({ hierarchicalMemoryLimit: 1000, hierarchicalSwapLimit: 1500 });
  expect(memory?.swap).toMatchObject({ usage: 4100, limit: 1500 });
});
