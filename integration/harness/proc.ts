/** The machine's processes, as /proc tells of them. */
import { readdirSync, readFileSync } from "node:fs";

export function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** Of those whose command line matches; each of its arguments ends with a zero byte. */
export function pidsOf(commandLine: RegExp): number[] {
  return pids().filter((pid) => commandLine.test(read(pid, "cmdline")));
}

/** Of the process, in /proc. */
export function read(pid: number, name: string): string {
  return text(`/proc/${pid}/${name}`);
}

/** Each shim has the flags that containerd gave it. */
export function shimOf(id: string): number {
  const shim = pids().find((pid) => {
    const [program = "", ...args] = read(pid, "cmdline").split("\0");
    return program.includes("containerd-shim-") && args.includes(id);
  });
  if (shim === undefined) throw new Error(`no shim of ${id}`);
  return shim;
}

/** The QEMU of the shim. */
export function qemuOf(id: string): number {
  const qemu = family(shimOf(id)).find((pid) => read(pid, "cmdline").split("\0")[0]?.includes("qemu-system"));
  if (qemu === undefined) throw new Error(`no QEMU of ${id}`);
  return qemu;
}

/** How long a QEMU's virtual processors have run, by the names that it gives their threads. */
export function processorMs(qemu: number): number {
  return readdirSync(`/proc/${qemu}/task`)
    .filter((thread) => read(qemu, `task/${thread}/comm`).startsWith("CPU "))
    .reduce((sum, thread) => sum + Number(read(qemu, `task/${thread}/schedstat`).split(" ")[0]) / 1e6, 0);
}

/** The process and all that descend from it. */
export function family(pid: number): number[] {
  const children = pids().filter((each) => parentOf(each) === pid);
  return [pid, ...children.flatMap(family)];
}

function parentOf(pid: number): number {
  return Number(/\) . (\d+)/s.exec(read(pid, "stat"))?.[1]);
}

/** Of a file; empty if there is none (any more). */
export function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
