/**
 * What of a start is the guest's own: how long its virtual processors ran, by the shim's trace. With KVM they run natively,
 * so the rest is about what would be left there.
 */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { CommandOptions } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import { Nerdctl } from "../harness/nerdctl.ts";
import type { ContainerdVersion } from "../harness/paths.ts";
import { type Session, session } from "../harness/session.ts";
import { readTrace, removeTrace } from "../harness/trace.ts";
import { CROWD, crowdRuns, oneBridge, oneCrowd, removeBridge } from "./crowd.ts";
import { type Name, RUNTIMES } from "./runtimes.ts";
import { INPUT, inTurn, OUTPUT, STREAM_BYTES, summary, type Times, WORKLOADS } from "./times.ts";

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
  /** Milliseconds. */
  readonly run: (name: Name, fresh: string) => Promise<number>;
  /** How many virtual processors run side by side. */
  readonly beside: number;
  readonly runs: number;
}

function kinds({ containerd }: Session, runs: number): Kind[] {
  const nerdctl = new Nerdctl(containerd, "");
  const start = (
    title: string,
    args: (runtime: string, fresh: string) => readonly string[],
    options?: CommandOptions,
  ): Kind => ({
    title,
    run: async (name, fresh) => (await containerd.mustCtr(args(RUNTIMES[name], fresh), options)).ms,
    beside: 1,
    runs,
  });
  const flow = (title: string, command: readonly string[], options?: CommandOptions) =>
    start(
      `ctr run --rm: ${title}`,
      (runtime, fresh) => ["run", "--rm", "--runtime", runtime, IMAGE, fresh, ...command],
      options,
    );
  const beside = Math.min(CROWD, availableParallelism());
  return [
    ...WORKLOADS.slice(0, 2).map(({ title, args }) => start(title, (runtime, fresh) => args(runtime, "", fresh))),
    flow("64 MiB of standard output", OUTPUT),
    flow("64 MiB of standard input", INPUT, { input: Buffer.alloc(STREAM_BYTES) }),
    {
      title: `${CROWD} at once`,
      run: (name, fresh) => oneCrowd(containerd, name, fresh),
      beside,
      runs: crowdRuns(runs),
    },
    { title: "nerdctl run --rm, on a bridge", run: (name) => oneBridge(nerdctl, name), beside: 1, runs },
  ];
}

/** A containerd of its own, for the trace costs a little. */
export async function measureShares(version: ContainerdVersion, runs: number, directory: string): Promise<Share[]> {
  const path = join(directory, "share-trace.json");
  process.env.MICROVM_TRACE = path;
  const shares: Share[] = [];
  await session(version, async (current) => {
    for (const kind of kinds(current, runs)) shares.push(await measureShare(current, kind, path));
    await removeBridge();
  });
  delete process.env.MICROVM_TRACE;
  removeTrace(path);
  return shares;
}

async function measureShare(current: Session, { title, run, beside, runs }: Kind, path: string): Promise<Share> {
  const guest: number[] = [];
  const { runc, microvm } = await inTurn(current, runs, async (name, n) => {
    removeTrace(path);
    const ms = await run(name, `${current.token}-${name}-${n}`);
    if (name === "microvm" && n > 0) guest.push(readTrace(path).guestMs / beside);
    return ms;
  });
  const rest = summary(microvm.all.map((ms, index) => ms - (guest[index] ?? Number.NaN)));
  return { title, runc, microvm, guest: summary(guest), rest };
}
