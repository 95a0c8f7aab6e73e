/** Where the time of a start goes: the shims' own trace of several, by phase, and one of them as a picture. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE } from "../harness/image.ts";
import { type ContainerdVersion, microvm } from "../harness/paths.ts";
import { type Session, session } from "../harness/session.ts";
import { readTrace, removeTrace, type Span, type Trace } from "../harness/trace.ts";
import { picture } from "./picture.ts";
import { summary, type Times } from "./times.ts";

interface Start extends Trace {
  readonly ms: number;
}

export interface Phases {
  readonly total: Times;
  readonly guest: Times;
  readonly phases: Readonly<Record<string, Times>>;
}

/** Starts a containerd of its own, for the trace costs a little, and writes the picture of a start of the median time. */
export async function measurePhases(version: ContainerdVersion, runs: number, directory: string): Promise<Phases> {
  const path = join(directory, "start-trace.json");
  process.env.MICROVM_TRACE = path;
  const starts: Start[] = [];
  await session(version, async (current) => {
    for (let n = 0; n <= runs; n++) starts.push(await oneStart(current, path, n));
  });
  delete process.env.MICROVM_TRACE;
  const counted = starts.slice(1).toSorted((one, other) => one.ms - other.ms);
  const middle = counted[Math.floor(counted.length / 2)];
  if (middle !== undefined) writeFileSync(join(directory, "start.svg"), picture(middle.spans, middle.guestMs));
  const names = [...new Set(counted.flatMap(({ spans }) => spans.map(phaseOf)))];
  const lengths = (name: string) =>
    counted.map(({ spans }) =>
      spans.filter((each) => phaseOf(each) === name).reduce((sum, { length }) => sum + length, 0),
    );
  return {
    total: summary(counted.map(({ ms }) => ms)),
    guest: summary(counted.map(({ guestMs }) => guestMs)),
    phases: Object.fromEntries(names.map((name) => [name, summary(lengths(name))])),
  };
}

async function oneStart({ containerd, signal, token }: Session, path: string, n: number): Promise<Start> {
  signal.throwIfAborted();
  removeTrace(path);
  const args = ["run", "--rm", "--runtime", microvm, IMAGE, `${token}-${n}`, "true"];
  const { ms } = await containerd.mustCtr(args);
  return { ms, ...readTrace(path) };
}

/** Without what differs from one run to the other. */
function phaseOf({ name, process }: Span): string {
  return `${process}: ${name
    .split(" ")
    .slice(0, name.startsWith("mount") || name.startsWith("umount") ? 1 : 3)
    .join(" ")}`;
}
