// A container's use of resources, in the two forms that clients of containerd read.
import { io } from "../gen/messages.js";
import type { GuestStats } from "../guest/methods.ts";
import { type Any, packAny } from "./any.ts";

const { v1, v2 } = io.containerd.cgroups;

/** A limit that is none reads as 2^64-1, which a number cannot hold exactly; nothing real comes near it. */
const NO_LIMIT = 2 ** 63;
/** What the kernel's cgroups v1 say where there is no limit, to the page. */
const NO_LIMIT_V1 = 2 ** 63 - 4096;
/** 2^64-1 in the writer's own form: as a number it would overflow. */
const MAX_UINT64 = { low: 0xffffffff, high: 0xffffffff } as unknown as number;

/** `io.containerd.cgroups.v2.Metrics`: microseconds and bytes. */
export function metricsV2(stats: GuestStats): Any {
  const limit = (value: number) => (value >= NO_LIMIT ? MAX_UINT64 : value);
  const { memoryStat, memoryEvents } = stats;
  return packAny("io.containerd.cgroups.v2.Metrics", v2.Metrics, {
    pids: { current: stats.pidsCurrent, limit: limit(stats.pidsLimit) },
    cpu: {
      usageUsec: stats.cpuUsageUsec,
      userUsec: stats.cpuUserUsec,
      systemUsec: stats.cpuSystemUsec,
      nrPeriods: stats.cpuNrPeriods,
      nrThrottled: stats.cpuNrThrottled,
      throttledUsec: stats.cpuThrottledUsec,
    },
    memory: {
      ...camelFields(memoryStat),
      usage: stats.memoryUsage,
      usageLimit: limit(stats.memoryLimit),
      maxUsage: stats.memoryPeak,
      swapUsage: stats.swapUsage,
      swapLimit: limit(stats.swapLimit),
    },
    memoryEvents: {
      low: memoryEvents.low ?? 0,
      high: memoryEvents.high ?? 0,
      max: memoryEvents.max ?? 0,
      oom: memoryEvents.oom ?? 0,
      oomKill: memoryEvents.oom_kill ?? 0,
    },
    io: {
      usage: stats.io.map(({ major, minor, rbytes, wbytes, rios, wios }) => ({
        major,
        minor,
        rbytes,
        wbytes,
        rios,
        wios,
      })),
    },
  });
}

/** `io.containerd.cgroups.v1.Metrics`: nanoseconds and bytes. */
export function metricsV1(stats: GuestStats): Any {
  return packAny("io.containerd.cgroups.v1.Metrics", v1.Metrics, {
    pids: { current: stats.pidsCurrent, limit: stats.pidsLimit >= NO_LIMIT ? 0 : stats.pidsLimit },
    cpu: {
      usage: {
        total: stats.cpuUsageUsec * 1000,
        user: stats.cpuUserUsec * 1000,
        kernel: stats.cpuSystemUsec * 1000,
      },
      throttling: {
        periods: stats.cpuNrPeriods,
        throttledPeriods: stats.cpuNrThrottled,
        throttledTime: stats.cpuThrottledUsec * 1000,
      },
    },
    memory: memoryV1(stats),
    memoryOomControl: { oomKill: stats.memoryEvents.oom_kill ?? 0 },
    blkio: blkioV1(stats),
  });
}

function memoryV1(stats: GuestStats) {
  const limit = (value: number) => (value >= NO_LIMIT ? NO_LIMIT_V1 : value);
  const of = (name: string) => stats.memoryStat[name] ?? 0;
  // Version 2 counts the whole subtree only, so both forms are the same.
  const counts = {
    cache: of("file"),
    rss: of("anon"),
    rssHuge: of("anon_thp"),
    mappedFile: of("file_mapped"),
    dirty: of("file_dirty"),
    writeback: of("file_writeback"),
    pgFault: of("pgfault"),
    pgMajFault: of("pgmajfault"),
    inactiveAnon: of("inactive_anon"),
    activeAnon: of("active_anon"),
    inactiveFile: of("inactive_file"),
    activeFile: of("active_file"),
    unevictable: of("unevictable"),
  };
  const totals = Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [`total${name[0]?.toUpperCase()}${name.slice(1)}`, value]),
  );
  return {
    ...counts,
    ...totals,
    hierarchicalMemoryLimit: limit(stats.memoryLimit),
    hierarchicalSwapLimit: limit(stats.swapLimit >= NO_LIMIT ? NO_LIMIT : stats.memoryLimit + stats.swapLimit),
    usage: {
      usage: stats.memoryUsage,
      limit: limit(stats.memoryLimit),
      max: stats.memoryPeak,
      failcnt: stats.memoryEvents.max ?? 0,
    },
    // Version 1 counts memory and swap together.
    swap: {
      usage: stats.memoryUsage + stats.swapUsage,
      limit: limit(stats.swapLimit >= NO_LIMIT ? NO_LIMIT : stats.memoryLimit + stats.swapLimit),
    },
  };
}

function blkioV1(stats: GuestStats) {
  const entries = (read: "rbytes" | "rios", write: "wbytes" | "wios") =>
    stats.io.flatMap((device) => [
      { op: "Read", major: device.major, minor: device.minor, value: device[read] },
      { op: "Write", major: device.major, minor: device.minor, value: device[write] },
    ]);
  return { ioServiceBytesRecursive: entries("rbytes", "wbytes"), ioServicedRecursive: entries("rios", "wios") };
}

/** The kernel's names as the messages' fields: `inactive_anon` is `inactiveAnon`. What has no field is not written. */
function camelFields(counts: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(counts).map(([name, value]) => [
      name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );
}
