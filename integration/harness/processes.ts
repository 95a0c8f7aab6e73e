/** The processes of this pid namespace, read from /proc. */
import { readdirSync, readFileSync } from "node:fs";

export interface Process {
  pid: number;
  parent: number;
  /** Clock ticks since boot: with the pid it names one process for ever. */
  start: number;
  state: string;
  comm: string;
  /** Arguments joined by spaces; empty for kernel threads and zombies. */
  command: string;
}

export function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => readProcess(Number(name)))
    .filter((process) => process !== undefined);
}

export function readProcess(pid: number): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    // The name stands in parentheses and may hold any character: the fields are counted from its end.
    const end = stat.lastIndexOf(")");
    const comm = stat.slice(stat.indexOf("(") + 1, end);
    const [state = "", parent = "", ...rest] = stat.slice(end + 2).split(" ");
    return { pid, parent: Number(parent), start: Number(rest[17]), state, comm, command };
  } catch {
    return undefined; // Ended while we looked.
  }
}

/** Those whose command line contains the text, without the tests' own. */
export function processesMentioning(text: string): Process[] {
  return processes().filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

/** Those that descend from the process, nearest first. */
export function descendants(pid: number, all = processes()): Process[] {
  const children = all.filter(({ parent }) => parent === pid);
  return [...children, ...children.flatMap((child) => descendants(child.pid, all))];
}
