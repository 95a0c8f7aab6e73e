import { readFileSync } from "node:fs";
import { mark } from "../proto/trace.ts";
import type { Qmp } from "./qmp.ts";

/** Tells the trace how long the threads have run that are the virtual processors: the guest's share of the time. */
export async function markProcessorTime(qmp: Qmp, pid: number): Promise<void> {
  const processors = (await qmp.execute("query-cpus-fast")) as { "thread-id": number }[];
  const ms = processors.reduce((sum, { "thread-id": thread }) => sum + runTime(pid, thread), 0);
  mark(`virtual processors: ${ms.toFixed(0)} ms`);
}

/** Milliseconds. */
function runTime(pid: number, thread: number): number {
  const [nanoseconds = ""] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ");
  return Number(nanoseconds) / 1e6;
}
