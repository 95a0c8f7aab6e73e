/** Where the time of a start goes: the shims' own trace of several, by phase, and one of them as a picture. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { IMAGE } from "../harness/image.ts";
import { type ContainerdVersion, microvm } from "../harness/paths.ts";
import { type Session, session } from "../harness/session.ts";
import { picture } from "./picture.ts";
import { summary, type Times } from "./times.ts";

/** A span of a trace; milliseconds. */
export interface Span {
  readonly name: string;
  /** "daemon" or "delete". */
  readonly process: string;
  readonly begin: number;
  readonly length: number;
}

interface Start {
  readonly ms: number;
  readonly spans: readonly Span[];
  /** How long the virtual processors ran. */
  readonly guestMs: number;
}

export interface Phases {
  readonly total: Times;
  readonly guest: Times;
  readonly phases: Readonly<Record<string, Times>>;
}

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly name: string };
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
  rmSync(path, { force: true });
  const args = ["run", "--rm", "--runtime", microvm, IMAGE, `${token}-${n}`, "true"];
  const { ms } = await containerd.mustCtr(args);
  if (!existsSync(path)) throw new Error(`${path}: there is no trace`);
  const events = JSON.parse(`${readFileSync(path, "utf8").trimEnd().replace(/,$/, "")}]`) as TraceEvent[];
  return { ms, ...readTrace(events) };
}

function readTrace(events: readonly TraceEvent[]): { spans: Span[]; guestMs: number } {
  const names = new Map(
    events.filter(({ ph }) => ph === "M").map(({ pid, args }) => [pid, args.name.split(" ")[1] ?? ""]),
  );
  const spans = events.filter(({ ph }) => ph === "X");
  const begin = Math.min(...spans.map(({ ts }) => ts));
  const guest = events
    .map(({ name }) => /^virtual processors: (\d+) ms$/.exec(name)?.[1])
    .find((ms) => ms !== undefined);
  return {
    guestMs: Number(guest ?? Number.NaN),
    spans: spans.map(({ name, pid, ts, dur }) => ({
      name,
      process: names.get(pid) ?? "?",
      begin: (ts - begin) / 1000,
      length: dur / 1000,
    })),
  };
}

/** Without what differs from one run to the other. */
function phaseOf({ name, process }: Span): string {
  return `${process}: ${name
    .split(" ")
    .slice(0, name.startsWith("mount") || name.startsWith("umount") ? 1 : 3)
    .join(" ")}`;
}
