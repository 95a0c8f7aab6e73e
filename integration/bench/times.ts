/** How long things take, the two runtimes in turn. */
import type { CommandOptions } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import type { Session } from "../harness/session.ts";
import { NAMES, type Name, RUNTIMES } from "./runtimes.ts";

export type Times = Readonly<Record<"median" | "min" | "max", number>> & { readonly all: number[] };

/** One thing that is measured. */
export interface Workload {
  readonly title: string;
  /** Bytes that flow in a run; 0 where only time counts. */
  readonly bytes: number;
  /** Arguments of ctr; `idle` is a container that runs. Most are an exec in that one. */
  readonly args: (runtime: string, idle: string, fresh: string) => readonly string[];
  /** Whether it is a container of its own. */
  readonly starts?: boolean;
  readonly options?: CommandOptions;
  /** A shell's command in the idle container that makes what it needs. */
  readonly prepare?: string;
}

const STREAM_BYTES = 64 * 1024 * 1024;
const FILE_MIB = 128;
const FILES = 10_000;

/** An annotation of the microvm runtime; runc's containers have it, too, and do not care. */
const COLD = ["--annotation", "io.microvm.template=off"];

export const WORKLOADS: readonly Workload[] = [
  {
    title: "ctr run --rm IMAGE ID true",
    bytes: 0,
    starts: true,
    args: (runtime, _, fresh) => ["run", "--rm", "--runtime", runtime, IMAGE, fresh, "true"],
  },
  {
    title: "the same, without a template",
    bytes: 0,
    starts: true,
    args: (runtime, _, fresh) => ["run", "--rm", "--runtime", runtime, ...COLD, IMAGE, fresh, "true"],
  },
  {
    title: "ctr task exec ID true",
    bytes: 0,
    args: (_, idle, fresh) => ["task", "exec", "--exec-id", fresh, idle, "true"],
  },
  {
    title: "64 MiB of standard output",
    bytes: STREAM_BYTES,
    args: (_, idle, fresh) => ["task", "exec", "--exec-id", fresh, idle, "dd", "if=/dev/zero", "bs=64k", "count=1024"],
  },
  {
    title: "64 MiB of standard input",
    bytes: STREAM_BYTES,
    args: (_, idle, fresh) => ["task", "exec", "--exec-id", fresh, idle, "sh", "-c", "cat > /dev/null"],
    options: { input: Buffer.alloc(STREAM_BYTES) },
  },
  {
    title: `a file of ${FILE_MIB} MiB in the root, read again`,
    bytes: FILE_MIB * 1024 * 1024,
    args: (_, idle, fresh) => ["task", "exec", "--exec-id", fresh, idle, "dd", "if=/file", "of=/dev/null", "bs=1M"],
    prepare: `dd if=/dev/zero of=/file bs=1M count=${FILE_MIB} && cat /file > /dev/null`,
  },
  {
    title: `stat of ${FILES} files in the root, again`,
    bytes: 0,
    args: (_, idle, fresh) => ["task", "exec", "--exec-id", fresh, idle, "sh", "-c", "find /many -size +1 | wc -l"],
    prepare: `mkdir /many && cd /many && seq ${FILES} | xargs touch`,
  },
];

/** Of milliseconds, at least one. */
export function summary(all: number[]): Times {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const median = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1), all };
}

/**
 * Alternating, so that whatever else the machine does meets both; the first of each warms the caches, uncounted. `work`
 * gives milliseconds.
 */
export async function inTurn(
  { signal }: Session,
  runs: number,
  work: (name: Name, n: number) => Promise<number>,
): Promise<Record<Name, Times>> {
  const times: Record<Name, number[]> = { runc: [], microvm: [] };
  for (let n = 0; n <= runs; n++) {
    for (const name of NAMES) {
      signal.throwIfAborted();
      const ms = await work(name, n);
      if (n > 0) times[name].push(ms);
    }
  }
  return { runc: summary(times.runc), microvm: summary(times.microvm) };
}

export async function measureTimes(current: Session, workload: Workload, runs: number): Promise<Record<Name, Times>> {
  await prepare(current, workload);
  return inTurn(current, runs, (name, n) => oneRun(current, workload, name, n));
}

/** Milliseconds. */
export async function oneRun(current: Session, workload: Workload, name: Name, n: number): Promise<number> {
  const fresh = `${current.token}-${name}-${WORKLOADS.indexOf(workload)}-${n}`;
  const args = workload.args(RUNTIMES[name], idleId(current, name), fresh);
  return (await current.containerd.mustCtr(args, workload.options)).ms;
}

/** What the workload needs, in both of the containers that run. */
export async function prepare(current: Session, workload: Workload): Promise<void> {
  const { prepare: command } = workload;
  if (command === undefined) return;
  for (const name of NAMES) {
    const id = `${current.token}-prepare-${WORKLOADS.indexOf(workload)}`;
    const args = ["task", "exec", "--exec-id", id, idleId(current, name), "sh", "-c", command];
    await current.containerd.mustCtr(args, { limit: 300_000 });
  }
}

export function idleId({ token }: Session, name: Name): string {
  return `${token}-busy-${name}`;
}

/** The containers that the execs run in. */
export async function withIdle<Result>(current: Session, work: () => Promise<Result>): Promise<Result> {
  const { containerd } = current;
  for (const name of NAMES) {
    await containerd.mustCtr([
      "run",
      "-d",
      "--runtime",
      RUNTIMES[name],
      IMAGE,
      idleId(current, name),
      "sleep",
      "10000",
    ]);
  }
  try {
    return await work();
  } finally {
    for (const name of NAMES) {
      await containerd.ctr(["task", "rm", "-f", idleId(current, name)]);
      await containerd.ctr(["container", "rm", idleId(current, name)]);
    }
  }
}
