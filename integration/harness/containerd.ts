/** A containerd of its own: own root, state and sockets in a temporary directory, which stop() removes. */
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { containerdConfig, type ContainerdPaths, containerdPaths } from "./containerd-config.ts";
import { Command, run } from "./command.ts";
import { within } from "./deadline.ts";
import { LineLog } from "./line-log.ts";
import { mountsBelow } from "./mounts.ts";
import { buildDir, containerdDir, type ContainerdVersion } from "./paths.ts";
import { processesMentioning } from "./processes.ts";
import { topCgroups } from "./cgroups.ts";

const booted = "containerd successfully booted";

export class Containerd {
  /** What containerd and, through it, the shims have logged. */
  readonly log = new LineLog();
  readonly paths: ContainerdPaths;
  readonly bin: string;
  #daemon: Daemon | undefined;

  private constructor(
    readonly version: ContainerdVersion,
    readonly dir: string,
    readonly env: NodeJS.ProcessEnv,
  ) {
    this.paths = containerdPaths(dir);
    this.bin = containerdDir(version);
    writeFileSync(join(dir, "config.toml"), containerdConfig(version, this.paths));
  }

  /** `extra` is added to containerd's environment, which its shims inherit. */
  static async start(version: ContainerdVersion, extra: NodeJS.ProcessEnv = {}): Promise<Containerd> {
    const dir = mkdtempSync("/tmp/mv-");
    const path = `${buildDir}:${containerdDir(version)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
    const containerd = new Containerd(version, dir, { HOME: "/root", ...extra, PATH: path });
    try {
      await containerd.#launch();
      return containerd;
    } catch (error) {
      await containerd.stop();
      throw new Error(`${(error as Error).message}\n${containerd.log.text()}`);
    }
  }

  /** Ends containerd by the signal, leaves its containers alone, and starts it anew on the same root. */
  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#end(signal);
    await this.#launch();
  }

  /** Legal in any state, twice too. Leaves nothing: no process, no mount, no file. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    for (const { pid } of processesMentioning(this.dir)) kill(pid);
    for (const mount of mountsBelow(this.dir)) await run(["umount", "-l", mount]);
    rmSync(this.dir, { recursive: true, force: true });
    for (const cgroup of topCgroups(this.namespace)) removeEmptyDir(cgroup);
  }

  /** The namespace of everything that runs here, unlike any other's: it is the name of the cgroup's parent too. */
  get namespace(): string {
    return this.dir.slice("/tmp/".length);
  }

  async #launch(): Promise<void> {
    const argv = [join(this.bin, "containerd"), "--config", join(this.dir, "config.toml")] as const;
    const daemon = new Daemon(argv, this.env, this.log);
    this.#daemon = daemon;
    await within(30_000, "containerd serves", daemon.ready);
  }
  async #end(signal: NodeJS.Signals): Promise<void> {
    await this.#daemon?.end(signal);
    this.#daemon = undefined;
  }
}

/** One life of the containerd process. */
class Daemon {
  readonly ready: Promise<void>;
  readonly #command: Command;

  constructor(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv, log: LineLog) {
    const from = log.mark();
    this.#command = new Command(argv, { env, limit: 2 ** 31 - 1, onStderr: (bytes) => log.add(bytes) });
    const ended = this.#command.done.then(({ code }) => {
      throw new Error(`containerd ended with ${code} before it was ready`);
    });
    ended.catch(() => {});
    this.ready = Promise.race([log.seen(booted, from), ended]);
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#command.kill(signal);
    await within(10_000, `containerd ends after ${signal}`, this.#command.exited).catch(() => {
      this.#command.kill("SIGKILL");
      return this.#command.exited;
    });
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
}

function removeEmptyDir(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Not empty: the comparison of before and after tells whose it is.
  }
}
