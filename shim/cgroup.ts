import { join } from "node:path";
import type { Resources } from "./bundle.ts";
import { childrenOf, makeDirectories, place, placeAtOnce, setAll } from "./cgroup-files.ts";
import { isLimited, vmLimits } from "./cgroup-limits.ts";
import { findHierarchies, type Hierarchy } from "./cgroup-mounts.ts";
import { cgroupPath } from "./cgroup-path.ts";
import { removeCgroups, removeIfEmpty } from "./cgroup-remove.ts";
import type { Log } from "./log.ts";

/** Larger than any pid. */
const NO_PROCESS = 0x7fffffff;

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
