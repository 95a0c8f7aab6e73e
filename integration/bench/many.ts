/** What is left after many starts, and what many idle containers cost: for --starts and --idle, which take minutes. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IMAGE } from "../harness/image.ts";
import { microvm } from "../harness/paths.ts";
import { pids, text } from "../harness/proc.ts";
import type { Session } from "../harness/session.ts";

const SETTLE_MS = 5000;

/** Counts, and kibibytes. */
export interface Stock {
  readonly mounts: number;
  readonly cgroups: number;
  readonly processes: number;
  readonly files: number;
  readonly containerdKiB: number;
}

/** Before and after `count` containers have come and gone. The first ten are not counted: caches fill. */
export async function measureLeak(current: Session, count: number): Promise<{ before: Stock; after: Stock }> {
  const { containerd, signal, token } = current;
  const starts = async (from: number, to: number) => {
    for (let n = from; n < to; n++) {
      signal.throwIfAborted();
      await containerd.mustCtr(["run", "--rm", "--runtime", microvm, IMAGE, `${token}-leak-${n}`, "true"]);
    }
    await sleep(SETTLE_MS);
  };
  await starts(0, 10);
  const before = stock(containerd.directory);
  await starts(10, 10 + count);
  return { before, after: stock(containerd.directory) };
}

/** What one of `count` idle containers takes of the memory of the machine, in KiB. */
export async function measureIdle({ containerd, signal, token }: Session, count: number): Promise<number> {
  const ids = Array.from({ length: count }, (_, n) => `${token}-many-${n}`);
  await sleep(SETTLE_MS);
  const before = available();
  for (const id of ids) {
    signal.throwIfAborted();
    await containerd.mustCtr(["run", "-d", "--runtime", microvm, IMAGE, id, "sleep", "10000"]);
  }
  await sleep(SETTLE_MS);
  const taken = before - available();
  for (const id of ids) {
    await containerd.mustCtr(["task", "rm", "-f", id]);
    await containerd.mustCtr(["container", "rm", id]);
  }
  return taken / count;
}

function stock(directory: string): Stock {
  const containerd = pids().find((pid) => text(`/proc/${pid}/comm`).trim() === "containerd");
  return {
    mounts: text("/proc/self/mountinfo").split("\n").length,
    cgroups: readdirSync("/sys/fs/cgroup", { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    ).length,
    processes: pids().length,
    files: ["/run", join(directory, "state")].reduce(
      (sum, path) => sum + readdirSync(path, { recursive: true }).length,
      0,
    ),
    containerdKiB: Number(/^Pss_Anon:\s+(\d+)/m.exec(text(`/proc/${containerd}/smaps_rollup`))?.[1]),
  };
}

function available(): number {
  return Number(/^MemAvailable:\s+(\d+)/m.exec(text("/proc/meminfo"))?.[1]);
}
