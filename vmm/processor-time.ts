import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { mark } from "../proto/trace.ts";

/** As QEMU names the threads that are virtual processors: "CPU 0/TCG". */
const PROCESSOR = /^CPU \d/;

/** Tells the trace how long the virtual processors of a QEMU have run: the guest's share of the time. */
export function markProcessorTime(pid: number): void {
  const tasks = `/proc/${pid}/task`;
  try {
    const threads = readdirSync(tasks).map((thread) => join(tasks, thread));
    const processors = threads.filter((thread) => PROCESSOR.test(readFileSync(join(thread, "comm"), "latin1")));
    const ms = processors.reduce((sum, thread) => sum + runTime(thread), 0);
    mark(`virtual processors: ${ms.toFixed(0)} ms`);
  } catch {
    // QEMU has just ended.
  }
}

/** Milliseconds. */
function runTime(thread: string): number {
  const [nanoseconds = ""] = readFileSync(join(thread, "schedstat"), "latin1").split(" ");
  return Number(nanoseconds) / 1e6;
}
