/** Ten containers at once, to the end of the last one; and what people do most, a container on nerdctl's bridge. */
import { rmSync } from "node:fs";
import { IMAGE } from "../harness/image.ts";
import { Nerdctl } from "../harness/nerdctl.ts";
import type { Session } from "../harness/session.ts";
import { NAMES, type Name, RUNTIMES } from "./runtimes.ts";
import { summary, type Times } from "./times.ts";

export interface Row {
  readonly title: string;
  readonly times: Record<Name, Times>;
}

const CROWD = 10;

/** In milliseconds, the runtimes in turn; the first of each is not counted. */
async function inTurn(runs: number, work: (name: Name, n: number) => Promise<unknown>): Promise<Record<Name, Times>> {
  const times: Record<Name, number[]> = { runc: [], microvm: [] };
  for (let n = 0; n <= runs; n++) {
    for (const name of NAMES) {
      const begun = performance.now();
      await work(name, n);
      if (n > 0) times[name].push(performance.now() - begun);
    }
  }
  return { runc: summary(times.runc), microvm: summary(times.microvm) };
}

export async function measureCrowd({ containerd, signal, token }: Session, runs: number): Promise<Row> {
  const times = await inTurn(Math.ceil(runs / 4), (name, n) => {
    signal.throwIfAborted();
    const args = (one: number) => [
      "run",
      "--rm",
      "--runtime",
      RUNTIMES[name],
      IMAGE,
      `${token}-${name}-${n}-${one}`,
      "true",
    ];
    return Promise.all(Array.from({ length: CROWD }, (_, one) => containerd.mustCtr(args(one))));
  });
  return { title: `${CROWD} of ctr run --rm … true at once`, times };
}

/** CNI's bridge and its rules stay, as after any container of nerdctl's: the measurements have a world of their own. */
export async function measureBridge({ containerd, signal }: Session, runs: number): Promise<Row> {
  const nerdctl = new Nerdctl(containerd, "");
  const times = await inTurn(runs, (name) => {
    signal.throwIfAborted();
    return nerdctl.must(["run", "--rm", "--runtime", RUNTIMES[name], "--pull", "never", IMAGE, "true"]);
  });
  rmSync("/run/containerd/fifo", { recursive: true, force: true });
  return { title: "nerdctl run --rm IMAGE true, on a bridge", times };
}
