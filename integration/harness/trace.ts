/** The shims' own trace, as it lies in the file. */
import { existsSync, readFileSync, rmSync } from "node:fs";

/** A span of a trace; milliseconds. */
export interface Span {
  readonly name: string;
  /** "daemon" or "delete". */
  readonly process: string;
  readonly begin: number;
  readonly length: number;
}

export interface Trace {
  readonly spans: readonly Span[];
  /** How long the virtual processors ran, of all VMs together. */
  readonly guestMs: number;
}

/** Of Chrome's trace event format; what it has depends on `ph`. */
export interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly ts: number;
  readonly dur: number;
  readonly args: { readonly name: string };
}

export function removeTrace(path: string): void {
  rmSync(path, { force: true });
}

/** The last bracket is missing in the file. Throws if there is none. */
export function readEvents(path: string): TraceEvent[] {
  if (!existsSync(path)) throw new Error(`${path}: there is no trace`);
  return JSON.parse(`${readFileSync(path, "utf8").trimEnd().replace(/,$/, "")}]`);
}

/** Throws if there is none, or one without the virtual processors' time. */
export function readTrace(path: string): Trace {
  const events = readEvents(path);
  const guest = events.flatMap(({ name }) => /^virtual processors: (\d+) ms$/.exec(name)?.[1] ?? []);
  if (guest.length === 0) throw new Error(`${path}: no word of the virtual processors`);
  return { guestMs: guest.map(Number).reduce((sum, ms) => sum + ms), spans: spansOf(events) };
}

function spansOf(events: readonly TraceEvent[]): Span[] {
  const names = new Map(
    events.filter(({ ph }) => ph === "M").map(({ pid, args }) => [pid, args.name.split(" ")[1] ?? ""]),
  );
  const spans = events.filter(({ ph }) => ph === "X");
  const first = Math.min(...spans.map(({ ts }) => ts));
  return spans.map(({ name, pid, ts, dur }) => ({
    name,
    process: names.get(pid) ?? "?",
    begin: (ts - first) / 1000,
    length: dur / 1000,
  }));
}
