import { appendFileSync, closeSync, openSync, writeSync } from "node:fs";

/** Where the trace goes; undefined for none. Read when it is wanted: the program is loaded before it is run. */
function target(): string | undefined {
  return process.env.MICROVM_TRACE || undefined;
}

/** Spans that are under way, by the line of the picture that each has for itself. */
const lanes: boolean[] = [];

/**
 * Spans of time of this program's processes, in the file that MICROVM_TRACE names, for `chrome://tracing`, Perfetto and
 * the like (the array form of Chrome's trace event format, of which the last bracket may be missing). Without the variable
 * it costs a comparison. A trace that cannot be written is none.
 */
export async function traced<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  if (target() === undefined) return work();
  const end = span(name);
  try {
    return await work();
  } finally {
    end();
  }
}

/** Begins a span; what it gives ends it. */
export function span(name: string): () => void {
  if (target() === undefined) return () => {};
  const lane = lanes.indexOf(false) < 0 ? lanes.length : lanes.indexOf(false);
  lanes[lane] = true;
  const begun = now();
  return () => {
    lanes[lane] = false;
    write({ name, ph: "X", ts: begun, dur: now() - begun, tid: lane + 1 });
  };
}

/** Whether anybody looks: for what costs more than a look at the clock. */
export function tracing(): boolean {
  return target() !== undefined;
}

/** A moment. */
export function mark(name: string): void {
  if (target() !== undefined) write({ name, ph: "i", s: "p", ts: now(), tid: 1 });
}

/** Names this process, and tells how long Node took until now. */
export function traceProcess(name: string): void {
  if (target() === undefined) return;
  write({ name: "process_name", ph: "M", args: { name } });
  const begun = performance.timeOrigin * 1000;
  write({ name: "Node starts", ph: "X", ts: begun, dur: now() - begun, tid: 1 });
}

/** Microseconds since 1970: the processes have no other clock in common. */
function now(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

function write(event: Record<string, unknown>): void {
  const path = target();
  if (path === undefined) return;
  try {
    begin(path);
    appendFileSync(path, `${JSON.stringify({ ...event, pid: process.pid })},\n`);
  } catch {
    // It is for people who look for something else.
  }
}

/** The first one to write opens the list. */
function begin(file: string): void {
  let fd: number;
  try {
    fd = openSync(file, "ax", 0o600);
  } catch {
    return;
  }
  writeSync(fd, "[\n");
  closeSync(fd);
}
