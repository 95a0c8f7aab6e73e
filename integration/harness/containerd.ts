/** A private containerd: own root, state and sockets in a temporary directory; nothing of the system's is touched. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, type CommandOptions, must, type Result, run } from "./command.ts";
import { until, within } from "./deadline.ts";
import { buildDir, type ContainerdVersion, containerdDir, templates } from "./paths.ts";

export class Containerd {
  readonly directory = mkdtempSync(join(tmpdir(), "c-"));
  readonly address = join(this.directory, "c.sock");
  readonly #binaries: string;
  readonly #config: string;
  readonly #env: NodeJS.ProcessEnv;
  #process: ChildProcess | undefined;

  private constructor(version: ContainerdVersion, settings: string, shimDirectory: string, level: string) {
    this.#binaries = containerdDir(version);
    this.#config = join(this.directory, "config.toml");
    writeFileSync(this.#config, configuration(version, this.directory, this.address, level));
    const microvmConfig = join(this.directory, "microvm.toml");
    writeFileSync(microvmConfig, withTemplates(settings));
    const path = [shimDirectory, this.#binaries, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":");
    const { MICROVM_TRACE } = process.env;
    this.#env = { PATH: path, MICROVM_CONFIG: microvmConfig, HOME: "/root", ...(MICROVM_TRACE && { MICROVM_TRACE }) };
  }

  /** `settings` is the shim's configuration file, TOML; the shim is found in `shimDirectory`. */
  static async start(
    version: ContainerdVersion,
    settings = "",
    shimDirectory = buildDir,
    level = "info",
  ): Promise<Containerd> {
    const containerd = new Containerd(version, settings, shimDirectory, level);
    await containerd.#launch();
    return containerd;
  }

  get logText(): string {
    return readFileSync(this.#logPath, "utf8");
  }

  get #logPath(): string {
    return join(this.directory, "containerd.log");
  }

  async #launch(): Promise<void> {
    appendFileSync(this.#logPath, "");
    const log = openSync(this.#logPath, "a");
    const program = join(this.#binaries, "containerd");
    this.#process = spawn(program, ["-c", this.#config], { stdio: ["ignore", log, log], env: this.#env });
    closeSync(log);
    await until(
      30_000,
      () => `containerd answers:\n${this.logText.slice(-2000)}`,
      async () => {
        if (!existsSync(this.address)) return undefined;
        const { code } = await this.ctr(["version"]);
        return code === 0 ? true : undefined;
      },
    );
  }

  /** Ends containerd by the signal and starts it anew over the same state. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.#end(signal);
    await this.#launch();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await within(20_000, "containerd ends", exited);
  }

  /** Ends and removes the containers of all namespaces. */
  async removeAll(): Promise<void> {
    const list = async (...args: string[]) => (await this.ctr(args)).stdout.toString().split("\n").filter(Boolean);
    for (const namespace of await list("namespaces", "list", "-q")) {
      for (const id of await list("-n", namespace, "task", "list", "-q"))
        await this.ctr(["-n", namespace, "task", "rm", "-f", id]);
      for (const id of await list("-n", namespace, "container", "list", "-q"))
        await this.ctr(["-n", namespace, "container", "rm", id]);
    }
  }

  /** Ends containerd and removes everything it had. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The command line of ctr, for a test that starts it in its own way. */
  argv(args: readonly string[]): [string, ...string[]] {
    return [join(this.#binaries, "ctr"), "--address", this.address, ...args];
  }

  ctr(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    return run(this.argv(args), options);
  }

  mustCtr(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    return must(this.argv(args), options);
  }

  /** Starts ctr and leaves it running. */
  hold(args: readonly string[], options: CommandOptions = {}): Command {
    return new Command(this.argv(args), options);
  }
}

/** VMs of the usual kind come from a template, and none is made beside the tests, unless they say so. */
function withTemplates(settings: string): string {
  return /^template\b/m.test(settings) ? settings : `template = "${templates}"\n${settings}`;
}

function configuration(version: ContainerdVersion, directory: string, address: string, level: string): string {
  const [format, disabled] =
    version === "1.6"
      ? [2, ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]]
      : [
          3,
          [
            "io.containerd.cri.v1.runtime",
            "io.containerd.cri.v1.images",
            "io.containerd.grpc.v1.cri",
            "io.containerd.nri.v1.nri",
          ],
        ];
  return `version = ${format}
root = "${directory}/root"
state = "${directory}/state"
disabled_plugins = ${JSON.stringify(disabled)}
[grpc]
address = "${address}"
[ttrpc]
address = "${address}.ttrpc"
[debug]
level = "${level}"
`;
}
