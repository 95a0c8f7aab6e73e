/** Ten containers at once, to the end of the last one; and what people do most, a container on nerdctl's bridge. */
import { must } from "../harness/command.ts";
import type { Containerd } from "../harness/containerd.ts";
import { IMAGE } from "../harness/image.ts";
import { Nerdctl } from "../harness/nerdctl.ts";
import { removeFifos } from "../harness/remains.ts";
import type { Session } from "../harness/session.ts";
import { type Name, RUNTIMES } from "./runtimes.ts";
import { inTurn, type Times } from "./times.ts";

export interface Row {
  readonly title: string;
  readonly times: Record<Name, Times>;
}

export const CROWD = 10;

/** They take long. */
export function crowdRuns(runs: number): number {
  return Math.ceil(runs / 4);
}

export async function measureCrowd(current: Session, runs: number): Promise<Row> {
  const { containerd, token } = current;
  const times = await inTurn(current, crowdRuns(runs), (name, n) =>
    oneCrowd(containerd, name, `${token}-${name}-${n}`),
  );
  return { title: `${CROWD} of ctr run --rm … true at once`, times };
}

/** Milliseconds to the end of the last one. `fresh`: where their ids begin. */
export async function oneCrowd(containerd: Containerd, name: Name, fresh: string): Promise<number> {
  const begun = performance.now();
  const args = ["run", "--rm", "--runtime", RUNTIMES[name], IMAGE];
  const ids = Array.from({ length: CROWD }, (_, one) => `${fresh}-${one}`);
  await Promise.all(ids.map((id) => containerd.mustCtr([...args, id, "true"])));
  return performance.now() - begun;
}

export async function measureBridge(current: Session, runs: number): Promise<Row> {
  const nerdctl = new Nerdctl(current.containerd, "");
  const times = await inTurn(current, runs, (name) => oneBridge(nerdctl, name));
  await removeBridge();
  return { title: "nerdctl run --rm IMAGE true, on a bridge", times };
}

/** Milliseconds. */
export async function oneBridge(nerdctl: Nerdctl, name: Name): Promise<number> {
  const args = ["run", "--rm", "--runtime", RUNTIMES[name], "--pull", "never", IMAGE, "true"];
  const { ms } = await nerdctl.must(args);
  removeFifos();
  return ms;
}

/** It stays after nerdctl's containers, and is in the way of another nerdctl. */
export async function removeBridge(): Promise<void> {
  await must(["ip", "link", "delete", "nerdctl0"]);
}
