import { type BigIntStats, mkdirSync, realpathSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Bind } from "./bind.ts";
import { keptFlags, mountOptions } from "./mount-flags.ts";
import { bindTree, unmountTree } from "./mounts.ts";
import { guestDevice, hostOnly } from "./special-file.ts";

/** Where guest-init mounts the directory of the volumes. */
const GUEST_VOLUMES = "/run/volumes";

/** A bind mount as the guest is to make it. */
export interface GuestBind {
  /** Path in the guest. */
  readonly source: string;
  /** Options beside those of config.json. */
  readonly flags: readonly string[];
}

interface Volume {
  readonly key: string;
  /** Below the volumes' directory. */
  readonly name: string;
  readonly mounted: Promise<void>;
  /** Containers, one entry for each of their mounts. */
  readonly users: string[];
}

/**
 * The volumes of a VM: bind mounts of its containers, mounted below one directory that the guest sees. Containers that
 * mount the same thing share one volume: so it is one file system in the guest, where locks, mapped memory and sockets
 * work between them.
 */
export class Volumes {
  readonly #directory: string;
  readonly #staging: string;
  readonly #volumes = new Map<string, Volume>();
  #next = 0;

  /** `directory` is what the guest sees, `staging` one that it does not, where mounts are prepared. */
  constructor(directory: string, staging: string) {
    this.#directory = directory;
    this.#staging = staging;
  }

  /** Mounts them for a container and returns them for the guest, in order. `release` undoes it, also in part. */
  async add(container: string, binds: readonly Bind[]): Promise<GuestBind[]> {
    return Promise.all(
      binds.map(async (bind) => {
        const found = examine(bind);
        const device = guestDevice(found.stats);
        if (device !== undefined) return { source: device, flags: [] };
        const { name, mounted } = this.#acquire(container, bind, found);
        await mounted;
        return { source: join(GUEST_VOLUMES, name), flags: keptFlags(bind.options, mountOptions(found.path)) };
      }),
    );
  }

  /** Unmounts what only this container has used. */
  async release(container: string): Promise<void> {
    for (const volume of [...this.#volumes.values()]) {
      const left = volume.users.filter((user) => user !== container);
      if (left.length === volume.users.length) continue;
      volume.users.splice(0, volume.users.length, ...left);
      if (left.length === 0) await this.#remove(volume);
    }
  }

  #acquire(container: string, bind: Bind, { path, stats }: Source): Volume {
    // A path that leads to something else by now is another volume.
    const key = [stats.dev, stats.ino, bind.recursive, bind.follows, path].join(":");
    let volume = this.#volumes.get(key);
    if (volume === undefined) {
      const name = String(this.#next++);
      const mounted = this.#mount(name, path, stats.isDirectory(), bind);
      mounted.catch(() => {});
      volume = { key, name, mounted, users: [] };
      this.#volumes.set(key, volume);
    }
    volume.users.push(container);
    return volume;
  }

  async #mount(name: string, path: string, isDirectory: boolean, bind: Bind): Promise<void> {
    const [target, staging] = [join(this.#directory, name), join(this.#staging, name)];
    for (const point of [target, staging]) makeMountPoint(point, isDirectory);
    try {
      await bindTree(path, target, bind, staging);
    } catch (error) {
      await unmountTree(staging);
      throw new Error(mountError(bind, (error as Error).message), { cause: error });
    } finally {
      removeMountPoint(staging);
    }
  }

  async #remove({ key, name, mounted }: Volume): Promise<void> {
    this.#volumes.delete(key);
    await mounted.catch(() => {});
    const target = join(this.#directory, name);
    await unmountTree(target);
    removeMountPoint(target);
  }
}

function makeMountPoint(path: string, isDirectory: boolean): void {
  if (isDirectory) mkdirSync(path, { mode: 0o700 });
  else writeFileSync(path, "", { mode: 0o600, flag: "wx" });
}

/** Never recursively: what should still be mounted there is the host's. */
function removeMountPoint(path: string): void {
  if (statSync(path).isDirectory()) rmdirSync(path);
  else unlinkSync(path);
}

/** A source without symbolic links, and what is there. */
interface Source {
  readonly path: string;
  readonly stats: BigIntStats;
}

function mountError({ source, destination }: Bind, why: string): string {
  return `error mounting "${source}" to rootfs at "${destination}": ${why}`;
}

/** What there is at the source, in runc's words if it is not there. */
function examine(bind: Bind): Source {
  const { source, destination } = bind;
  let found: Source;
  try {
    const path = realpathSync(source);
    found = { path, stats: statSync(path, { bigint: true }) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? `stat ${source}: no such file or directory` : message;
    throw new RpcError(Code.Unknown, mountError(bind, why));
  }
  const special = guestDevice(found.stats) === undefined ? hostOnly(found.stats) : undefined;
  if (special !== undefined)
    throw new RpcError(
      Code.Unimplemented,
      `cannot mount "${source}" at "${destination}": it is ${special} of the host, which a VM cannot reach`,
    );
  return found;
}
