/** What one idle container costs in memory, by process. */
import { readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { IMAGE } from "../harness/image.ts";
import { family, read, shimOf } from "../harness/proc.ts";
import type { Session } from "../harness/session.ts";
import { type Name, RUNTIMES } from "./runtimes.ts";

/** What an idle container's processes need to come to rest; the shim does so twice, the second time after a minute. */
const SETTLE_MS = 65_000;

export interface Memory {
  readonly process: string;
  readonly pssKiB: number;
  readonly privateKiB: number;
}

/** Of a second container: what it has in common with the first one is not its own. */
export async function measureMemory({ containerd, signal, token }: Session, name: Name): Promise<Memory[]> {
  signal.throwIfAborted();
  const ids = [`${token}-beside-${name}`, `${token}-idle-${name}`];
  for (const id of ids)
    await containerd.mustCtr(["run", "-d", "--runtime", RUNTIMES[name], IMAGE, id, "sleep", "1000"]);
  await sleep(SETTLE_MS);
  const processes = family(shimOf(ids[1] ?? ""));
  const memory = [...processes.map(memoryOf), ...processes.flatMap(guestMemory)];
  for (const id of ids) {
    await containerd.mustCtr(["task", "rm", "-f", id]);
    await containerd.mustCtr(["container", "rm", id]);
  }
  return memory;
}

/** The memory of a VM is a file of QEMU's: most of it is mapped nowhere, for the guest has not touched it since it began. */
function guestMemory(pid: number): Memory[] {
  const directory = `/proc/${pid}/fd`;
  const found = readdirSync(directory).filter((fd) =>
    /^\/memfd:(microvm|memory-backend)/.test(link(join(directory, fd))),
  );
  const [fd] = found;
  if (fd === undefined || !read(pid, "cmdline").includes("qemu")) return [];
  const kib = (statSync(join(directory, fd)).blocks * 512) / 1024;
  return [{ process: "the guest's memory", pssKiB: kib, privateKiB: kib }];
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return "";
  }
}

function memoryOf(pid: number): Memory {
  const rollup = read(pid, "smaps_rollup");
  // The guest's memory is counted by its file.
  const sum = (field: RegExp) => [...rollup.matchAll(field)].reduce((total, [, kib]) => total + Number(kib), 0);
  const program = read(pid, "cmdline").split("\0")[0]?.split("/").at(-1) ?? "";
  return {
    process: program,
    pssKiB: sum(/^Pss:\s+(\d+)/gm) - sum(/^Pss_Shmem:\s+(\d+)/gm),
    privateKiB: sum(/^Pss_Anon:\s+(\d+)/gm) + sum(/^Private_Clean:\s+(\d+)/gm),
  };
}
