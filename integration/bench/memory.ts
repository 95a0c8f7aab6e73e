/** What one idle container costs in memory, by process. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { IMAGE } from "../harness/image.ts";
import type { Session } from "../harness/session.ts";
import { type Name, RUNTIMES } from "./runtimes.ts";

/** What an idle container's processes need to come to rest. */
const SETTLE_MS = 3000;

export interface Memory {
  readonly process: string;
  readonly pssKiB: number;
  readonly privateKiB: number;
}

export async function measureMemory({ containerd, signal, token }: Session, name: Name): Promise<Memory[]> {
  signal.throwIfAborted();
  const id = `${token}-idle-${name}`;
  await containerd.mustCtr(["run", "-d", "--runtime", RUNTIMES[name], IMAGE, id, "sleep", "1000"]);
  await sleep(SETTLE_MS);
  const memory = family(shimOf(id)).map(memoryOf);
  await containerd.mustCtr(["task", "rm", "-f", id]);
  await containerd.mustCtr(["container", "rm", id]);
  return memory;
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return ""; // it has ended meanwhile
  }
}

function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** The first process that names the container is runc's shim, or a child of ours, which itself has no arguments. */
function shimOf(id: string): number {
  const named = pids().find((each) => read(each, "cmdline").includes(id));
  if (named === undefined) throw new Error(`no process of ${id}`);
  const isShim = (pid: number) => read(pid, "cmdline").split("\0")[0]?.includes("containerd-shim-");
  return isShim(named) ? named : parentOf(named);
}

function parentOf(pid: number): number {
  return Number(/\) . (\d+)/s.exec(read(pid, "stat"))?.[1]);
}

/** The process and all that descend from it. */
function family(pid: number): number[] {
  const children = pids().filter((each) => parentOf(each) === pid);
  return [pid, ...children.flatMap(family)];
}

function memoryOf(pid: number): Memory {
  const rollup = read(pid, "smaps_rollup");
  const sum = (field: RegExp) => [...rollup.matchAll(field)].reduce((total, [, kib]) => total + Number(kib), 0);
  const program = read(pid, "cmdline").split("\0")[0]?.split("/").at(-1) ?? "";
  return {
    process: program,
    pssKiB: sum(/^Pss:\s+(\d+)/gm),
    privateKiB: sum(/^Private_(?:Clean|Dirty):\s+(\d+)/gm),
  };
}
