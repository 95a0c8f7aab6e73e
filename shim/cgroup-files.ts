/** What is done to the files and directories of cgroups, of either version. */
import { existsSync, mkdirSync, readFileSync, writeFile, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { findHierarchies, type Hierarchy } from "./cgroup-mounts.ts";
import { cgroupPath } from "./cgroup-path.ts";

/** Controllers of version 2 that are handed down to the VM's cgroup, where they are there. */
const CONTROLLERS = ["cpu", "cpuset", "io", "memory", "pids"];
/** Not that of node:fs/promises, which is milliseconds of each start. */
const writeLater = promisify(writeFile);

/**
 * Moves a process into a cgroup that must be there, in every hierarchy that has it, as containerd's own shims do with
 * their `shim_cgroup`. Throws if none has it.
 */
export function joinCgroup(cgroupsPath: string, pid: number): void {
  const path = cgroupPath(cgroupsPath) ?? "/";
  const directories = findHierarchies().map(({ root }) => join(root, path));
  const there = directories.filter((directory) => existsSync(join(directory, "cgroup.procs")));
  if (there.length === 0) throw new Error(`there is no cgroup ${path}`);
  for (const directory of there) writeValue(join(directory, "cgroup.procs"), `${pid}`);
}

/** The kernel may refuse a value until another is set (memory and memory with swap): what fails is tried once more. */
export function setAll(values: readonly { path: string; value: string }[]): void {
  const refused = values.filter(({ path, value }) => {
    try {
      writeValue(path, value);
      return false;
    } catch {
      return true;
    }
  });
  for (const { path, value } of refused) {
    try {
      writeValue(path, value);
    } catch (error) {
      throw new Error(`cannot set ${path} to ${value}: ${(error as NodeJS.ErrnoException).code}`, { cause: error });
    }
  }
}

/** Makes a cgroup and those above it, so that each controller that is there can be used in it. */
export function makeDirectories({ version, root, controllers }: Hierarchy, path: string): void {
  let directory = root;
  for (const name of path.split("/").filter(Boolean)) {
    const parent = directory;
    if (version === 2) for (const controller of CONTROLLERS) handDown(parent, controller, controllers);
    directory = join(directory, name);
    mkdirSync(directory, { recursive: true, mode: 0o755 });
    if (controllers.has("cpuset") && version === 1) inheritCpuset(parent, directory);
  }
}

/** Waits outside of this thread where the kernel makes it wait. */
export async function place(pid: number, directory: string, write = moveInto): Promise<void> {
  await write(join(directory, "cgroup.procs"), `${pid}`).catch(unlessGone);
}

export function placeAtOnce(pid: number, directory: string): void {
  try {
    writeValue(join(directory, "cgroup.procs"), `${pid}`);
  } catch (error) {
    unlessGone(error);
  }
}

/** A process that has ended meanwhile needs no place. */
function unlessGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
}

/** Not possible where the parent has processes: then the limit says so, if there is one. */
function handDown(parent: string, controller: string, available: ReadonlySet<string>): void {
  if (!available.has(controller)) return;
  try {
    writeValue(join(parent, "cgroup.subtree_control"), `+${controller}`);
  } catch {}
}

/** A cpuset of version 1 takes no process before it has processors and memory nodes. */
function inheritCpuset(parent: string, directory: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    if (readFileSync(join(directory, file), "utf8").trim() !== "") continue;
    writeValue(join(directory, file), readFileSync(join(parent, file), "utf8").trim());
  }
}

function moveInto(path: string, pid: string): Promise<void> {
  return writeLater(path, pid, { flag: "r+" });
}

function writeValue(path: string, value: string): void {
  // Never made: a file that is missing is a controller that is.
  writeFileSync(path, value, { flag: "r+" });
}

export function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}
