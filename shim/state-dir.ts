import { chmodSync, chownSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { processStartTime } from "../vmm/child.ts";
import { nameDigest } from "../vmm/digest.ts";

/**
 * What is on disk, below /run/microvm/NAMESPACE/GROUP:
 *   state.json   the processes and the cgroup of the VM, so that `delete` alone can end and remove them
 *   shared/      what the guest sees under /run/shared; a mount of its own in the daemon's mount namespace
 *   volumes/     the same under /run/volumes
 *   staging/     mount points of volumes that are about to be mounted
 * and in /run/microvm/.run/HASH, for names can be longer than the path of a socket:
 *   *.sock       of virtiofsd; the directory is 0700, of the VM's user
 * The directories above are 0711: QEMU's user passes through and sees nothing.
 */
export const STATE_ROOT = "/run/microvm";

/** Of 65,536. */
const FIRST_UID = 0x6d760000;

/** A process by pid and start time: a pair that is never reused. */
export interface ProcessId {
  readonly pid: number;
  readonly startTime: string;
}

export interface SandboxState {
  readonly shim: ProcessId;
  readonly processes: readonly ProcessId[];
  /** Directories of the VM's cgroup. */
  readonly cgroups?: readonly string[];
  /** The interfaces of a network namespace that is not the VM's own whose packets the VM takes. */
  readonly network?: { readonly namespace: string; readonly interfaces: readonly string[] };
}

export class StateDir {
  readonly namespace: string;
  readonly path: string;
  readonly runDir: string;
  /** A user and group for the VM, of a range that no account and no subordinate range uses: it owns nothing. */
  readonly uid: number;

  constructor(namespace: string, group: string, root = STATE_ROOT) {
    this.namespace = namespace;
    this.path = join(root, namespace, group);
    const digest = nameDigest(`${namespace}/${group}`);
    // No namespace begins with a dot.
    this.runDir = join(root, ".run", digest.slice(0, 32));
    this.uid = FIRST_UID + Number.parseInt(digest.slice(0, 4), 16);
  }

  get sharedDir(): string {
    return join(this.path, "shared");
  }

  get volumesDir(): string {
    return join(this.path, "volumes");
  }

  get stagingDir(): string {
    return join(this.path, "staging");
  }

  /** What virtiofsd serves: mounts of their own in the daemon's mount namespace. */
  served(volumes: boolean): string[] {
    return volumes ? [this.sharedDir, this.volumesDir] : [this.sharedDir];
  }

  /** Makes the directories anew. What a shim that was killed left there goes. */
  create(): void {
    for (const path of [this.path, this.runDir]) rmSync(path, { recursive: true, force: true });
    for (const directory of [dirname(dirname(this.path)), dirname(this.path), this.path]) {
      mkdirSync(directory, { mode: 0o711, recursive: true });
    }
    mkdirSync(this.runDir, { mode: 0o711, recursive: true });
    chmodSync(this.runDir, 0o700);
    chownSync(this.runDir, this.uid, this.uid);
    mkdirSync(this.stagingDir, { mode: 0o700 });
    // The root of a user namespace, which is nobody here, has to come through; what lies there is mounted out of sight
    // of everybody but the daemon.
    for (const directory of [this.sharedDir, this.volumesDir]) mkdirSync(directory, { mode: 0o711 });
  }

  write(state: SandboxState): void {
    const path = join(this.path, "state.json");
    writeFileSync(`${path}.new`, JSON.stringify(state), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  }

  /** Undefined if there is none, or none that can be read. */
  read(): SandboxState | undefined {
    try {
      const state = JSON.parse(readFileSync(join(this.path, "state.json"), "utf8"));
      return Array.isArray(state.processes) && typeof state.shim?.pid === "number" ? state : undefined;
    } catch {
      return undefined;
    }
  }

  /**
   * Removes everything, and the directories above if they are empty then. Throws, with everything left, if something
   * is still mounted below: it would be the files of the host that go.
   */
  remove(): void {
    const mounted = mountPoints().find((point) => point.startsWith(`${this.path}/`));
    if (mounted !== undefined) throw new Error(`${mounted} is still mounted`);
    for (const path of [this.runDir, this.path]) {
      rmSync(path, { recursive: true, force: true });
      try {
        rmdirSync(dirname(path));
      } catch {
        // Other VMs are there.
      }
    }
  }
}

/** Of this mount namespace; special characters are written as octal numbers there, and our paths have none. */
function mountPoints(): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return lines.map((line) => line.split(" ")[4] ?? "");
}

export function thisProcess(): ProcessId {
  return { pid: process.pid, startTime: processStartTime(process.pid) ?? "" };
}

/** Whether the process still runs; a zombie that nobody has reaped does not. */
export function isAlive(id: ProcessId): boolean {
  if (processStartTime(id.pid) !== id.startTime) return false;
  try {
    const stat = readFileSync(`/proc/${id.pid}/stat`, "latin1");
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(")") + 2));
  } catch {
    return false;
  }
}
