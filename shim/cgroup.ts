import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFile, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { monotonicMs } from "../proto/monotonic.ts";
import type { Resources } from "./bundle.ts";
import { isLimited, vmLimits } from "./cgroup-limits.ts";
import { findHierarchies, type Hierarchy } from "./cgroup-mounts.ts";
import { cgroupPath } from "./cgroup-path.ts";
import type { Log } from "./log.ts";

/** Controllers of version 2 that are handed down to the VM's cgroup, where they are there. */
const CONTROLLERS = ["cpu", "cpuset", "io", "memory", "pids"];
/** Larger than any pid. */
const NO_PROCESS = 0x7fffffff;
const REMOVE_LIMIT_MS = 2_000;
/** The first time and the longest between two attempts. */
const REMOVE_STEP_MS = { first: 1, longest: 50 };
/** Not that of node:fs/promises, which is milliseconds of each start. */
const writeLater = promisify(writeFile);

/**
 * The cgroup of a VM on the host, in every hierarchy: QEMU and virtiofsd are in it, the shim is not. It is the one that
 * containerd names for the container, so that whoever watches or limits that one meets the VM.
 *
 * As with runc, a cgroup that cannot be made is an error where a limit depends on it; otherwise it is a warning.
 */
export class VmCgroup {
  /** Absolute; what `removeCgroups` takes. Empty where nothing is placed. */
  readonly directories: readonly string[];
  readonly #hierarchies: readonly Hierarchy[];
  readonly #path: string;
  readonly #resources: Resources;
  readonly #memoryBytes: number;
  readonly #log: Log;
  #made = false;

  /** Makes nothing yet, so that `directories` can be written down before. `memoryBytes`: all that the VM may take. */
  constructor(
    cgroupsPath: string | undefined,
    resources: Resources,
    memoryBytes: number,
    log: Log,
    hierarchies: readonly Hierarchy[] = findHierarchies(),
  ) {
    const path = cgroupPath(cgroupsPath);
    this.#hierarchies = path === undefined ? [] : hierarchies;
    this.#path = path ?? "";
    this.#resources = resources;
    this.#memoryBytes = memoryBytes;
    this.#log = log;
    this.directories = this.#hierarchies.map(({ root }) => join(root, this.#path));
  }

  /** Makes the cgroup, with the limits that do not slow down the boot. Throws if a limit cannot be held. */
  create(): void {
    this.#askForMoves();
    try {
      for (const hierarchy of this.#hierarchies) makeDirectories(hierarchy, this.#path);
      this.#made = this.directories.length > 0;
    } catch (error) {
      this.#refuse(error as Error);
    }
    const { cpu: { quota: _quota, period: _period, ...cpu } = {}, ...rest } = this.#resources;
    this.#set({ ...rest, cpu });
  }

  /**
   * Moves a process in; its children are born there. To be called right after its start. Rejects where a limit depends on
   * it.
   */
  async add(pid: number): Promise<void> {
    try {
      const [first, ...others] = this.#made ? this.directories : [];
      if (first === undefined) return;
      await place(pid, first);
      // None of them has to wait any more.
      for (const directory of others) placeAtOnce(pid, directory);
    } catch (error) {
      this.#refuse(error as Error);
    }
  }

  /** Moves children in that were born before their parent was. */
  async addChildren(pid: number): Promise<void> {
    await Promise.all(childrenOf(pid).map((child) => this.add(child)));
  }

  /** The guest is up: its limit of processor time begins. */
  limitTime(): void {
    const { quota, period } = this.#resources.cpu ?? {};
    try {
      this.#set({ cpu: { ...(quota !== undefined && { quota }), ...(period !== undefined && { period }) } });
    } catch (error) {
      // What the host's kernel refuses, the guest's refuses too, and that reaches the client.
      this.#log.write("warning", (error as Error).message);
    }
  }

  /** Sets new limits on the running VM. Its memory stays what it is. Throws if the kernel refuses one. */
  update(resources: Resources): void {
    this.#set(resources);
  }

  /** Whether it is gone; whatever of it is there is removed, also if not all could be made or not all processes could be moved. */
  remove(): Promise<boolean> {
    return removeCgroups(this.directories);
  }

  #set(resources: Resources): void {
    if (!this.#made) return;
    for (const [index, hierarchy] of this.#hierarchies.entries()) {
      const limits = vmLimits(resources, this.#memoryBytes, hierarchy.version);
      const ours = limits.filter(({ controller }) => hierarchy.controllers.has(controller));
      setAll(ours.map(({ file, value }) => ({ path: join(this.directories[index] ?? "", file), value })));
    }
  }

  /**
   * The first one to move a process after a while waits in the kernel for a grace period of RCU, some 20 ms. It begins
   * here, with a process that there cannot be, beside what comes before the first one that there is.
   */
  #askForMoves(): void {
    const [hierarchy] = this.#hierarchies;
    if (hierarchy) place(NO_PROCESS, hierarchy.root).catch(() => {});
  }

  /** Of what has gone wrong nothing is kept. */
  #refuse(cause: Error): void {
    const message = `cannot place the VM in the cgroup ${this.#path}: ${cause.message}`;
    for (const directory of this.directories) removeIfEmpty(directory);
    this.#made = false;
    if (isLimited(this.#resources)) throw new Error(message, { cause });
    this.#log.write("warning", message);
  }
}

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
function setAll(values: readonly { path: string; value: string }[]): void {
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

function makeDirectories({ version, root, controllers }: Hierarchy, path: string): void {
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

function placeAtOnce(pid: number, directory: string): void {
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

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1").split(" ").filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/**
 * Removes what is empty, and waits a bounded time for what is not yet: a process that was killed leaves a moment later,
 * and version 1 has no event for it. Cgroups above stay, as with runc: another container may be about to use them.
 */
export async function removeCgroups(directories: readonly string[]): Promise<boolean> {
  const limit = monotonicMs() + REMOVE_LIMIT_MS;
  let left = directories.filter((directory) => !removeIfEmpty(directory));
  for (let step = REMOVE_STEP_MS.first; left.length > 0 && monotonicMs() < limit; step *= 2) {
    await delay(Math.min(step, REMOVE_STEP_MS.longest));
    left = left.filter((directory) => !removeIfEmpty(directory));
  }
  return left.length === 0;
}

function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    // Cgroups below it are somebody else's; a process that dies stays a moment longer than the list of them tells.
    return (error as NodeJS.ErrnoException).code !== "EBUSY" || hasChildren(directory);
  }
}

function hasChildren(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => entry.isDirectory());
}
