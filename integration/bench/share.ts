/**
 * What of the time is the guest's own: how long its virtual processors ran. With KVM they run natively, so the rest is about
 * what would be left there.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Nerdctl } from "../harness/nerdctl.ts";
import type { ContainerdVersion } from "../harness/paths.ts";
import { processorMs, qemuOf } from "../harness/proc.ts";
import { type Session, session } from "../harness/session.ts";
import { readTrace, removeTrace } from "../harness/trace.ts";
import { CROWD, crowdRuns, oneBridge, oneCrowd, removeBridge } from "./crowd.ts";
import type { Name } from "./runtimes.ts";
import { idleId, inTurn, oneRun, prepare, summary, type Times, WORKLOADS, withIdle } from "./times.ts";

export interface Share {
  readonly title: string;
  readonly runc: Times;
  readonly microvm: Times;
  /** Of that, the time in which a virtual processor ran. */
  readonly guest: Times;
  readonly rest: Times;
}

interface Kind {
  readonly title: string;
  readonly runs: number;
  readonly prepare?: () => Promise<void>;
  /** Milliseconds. */
  readonly run: (name: Name, n: number) => Promise<number>;
  /** How long the virtual processors of the run before have run, by the clock. */
  readonly guestMs: () => number;
}

/** A containerd of its own, for the trace costs a little. */
export async function measureShares(version: ContainerdVersion, runs: number, directory: string): Promise<Share[]> {
  const path = join(directory, "share-trace.json");
  process.env.MICROVM_TRACE = path;
  const shares: Share[] = [];
  await session(version, async (current) => {
    await withIdle(current, async () => {
      for (const kind of kinds(current, runs, path)) shares.push(await measureShare(current, kind, path));
    });
    await removeBridge();
  });
  delete process.env.MICROVM_TRACE;
  removeTrace(path);
  return shares;
}

function kinds(current: Session, runs: number, path: string): Kind[] {
  const { containerd, token } = current;
  const nerdctl = new Nerdctl(containerd, "");
  const traced = () => readTrace(path).guestMs;
  const idle = qemuOf(idleId(current, "microvm"));
  const beside = Math.min(CROWD, availableParallelism());
  return [
    ...WORKLOADS.map((workload) => ({
      title: workload.title,
      runs,
      prepare: () => prepare(current, workload),
      run: (name: Name, n: number) => oneRun(current, workload, name, n),
      guestMs: workload.starts ? traced : sinceLast(() => processorMs(idle)),
    })),
    {
      title: `${CROWD} at once`,
      runs: crowdRuns(runs),
      run: (name, n) => oneCrowd(containerd, name, `${token}-${name}-${n}`),
      // Their processors run side by side.
      guestMs: () => traced() / beside,
    },
    { title: "nerdctl run --rm, on a bridge", runs, run: (name) => oneBridge(nerdctl, name), guestMs: traced },
  ];
}

function sinceLast(count: () => number): () => number {
  let last = 0;
  return () => {
    const before = last;
    last = count();
    return last - before;
  };
}

async function measureShare(current: Session, kind: Kind, path: string): Promise<Share> {
  await kind.prepare?.();
  const guest: number[] = [];
  const { runc, microvm } = await inTurn(current, kind.runs, async (name, n) => {
    removeTrace(path);
    const ms = await kind.run(name, n);
    if (name === "microvm") guest.push(kind.guestMs());
    return ms;
  });
  // As of the times, the first one is not counted.
  const counted = guest.slice(1);
  const rest = summary(microvm.all.map((ms, index) => ms - (counted[index] ?? Number.NaN)));
  return { title: kind.title, runc, microvm, guest: summary(counted), rest };
}
