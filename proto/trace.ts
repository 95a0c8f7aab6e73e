import { appendFileSync, writeFileSync } from "node:fs";

/** Where the trace goes; undefined for none. */
const path = process.env.MICROVM_TRACE || undefined;
/** Spans that are under way, by the line of the picture that each has for itself. */
const lanes: boolean[] = [];

/**
 * Spans of time of this program's processes, in the file that MICROVM_TRACE names, for `chrome://tracing`, Perfetto and
 * the like (the array form of Chrome's trace event format, of which the last bracket may be missing). Without the variable
 * it costs a comparison. A trace that cannot be written is none.
 */
export async function traced<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
  const end = span(name);
  try {
    return await work();
  } finally {
    end();
  }
}

/** Begins a span; what it gives ends it. */
export function span(name: string): () => void {
  if (path === undefined) return () => {};
  const lane = lanes.indexOf(false) < 0 ? lanes.length : lanes.indexOf(false);
  lanes[lane] = true;
  const begin = now();
  return () => {
    lanes[lane] = false;
    write({ name, ph: "X", ts: begin, dur: now() - begin, tid: lane + 1 });
  };
}

/** Whether anybody looks: for what costs more than a look at the clock. */
export function tracing(): boolean {
  return path !== undefined;
}

/** A moment. */
export function mark(name: string): void {
  if (path !== undefined) write({ name, ph: "i", s: "p", ts: now(), tid: 1 });
}

/** Names this process, and tells how long Node took until now. */
export function traceProcess(name: string): void {
  if (path === undefined) return;
  write({ name: "process_name", ph: "M", args: { name } });
  const begin = performance.timeOrigin * 1000;
  write({ name: "Node starts", ph: "X", ts: begin, dur: now() - begin, tid: 1 });
}

/** Microseconds since 1970: the processes have no other clock in common. */
function now(): number {
  return (performance.timeOrigin + performance.now()) * 1000;
}

function write(event: Record<string, unknown>): void {
  if (path === undefined) return;
  try {
    openList(path);
    appendFileSync(path, `${JSON.stringify({ ...event, pid: process.pid })},\n`);
  } catch {
    // It is for people who look for something else.
  }
}

/** The first one to write begins the list: somebody may have taken the last one away. */
function openList(file: string): void {
  try {
    writeFileSync(file, "[\n", { flag: "ax", mode: 0o600 });
  } catch {
    // It has begun.
  }
}
