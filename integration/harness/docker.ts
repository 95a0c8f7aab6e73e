/** A private dockerd over a test's containerd, and its client. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./client.ts";
import type { Containerd } from "./containerd.ts";
import { until, within } from "./deadline.ts";
import { dockerDir } from "./paths.ts";

export class Docker extends Client {
  readonly #binaries = dockerDir();
  readonly #log: string;
  readonly #hostNamespace: string;
  readonly #daemon: ChildProcess;
  readonly env: NodeJS.ProcessEnv;

  private constructor(containerd: Containerd) {
    super();
    const directory = join(containerd.directory, "docker");
    mkdirSync(directory);
    this.#hostNamespace = join(directory, "exec/netns/default");
    this.#log = join(directory, "dockerd.log");
    // Debian 12's runc knows no time namespace.
    writeFileSync(join(directory, "daemon.json"), '{"features": {"time-namespaces": false}}');
    const path = [this.#binaries, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":");
    const socket = `unix://${join(directory, "d.sock")}`;
    this.env = { PATH: path, HOME: directory, TERM: "xterm", DOCKER_HOST: socket, TMPDIR: directory };
    const log = openSync(this.#log, "a");
    const places = ["--data-root", join(directory, "data"), "--exec-root", join(directory, "exec")];
    places.push("--pidfile", join(directory, "pid"), "--config-file", join(directory, "daemon.json"));
    const args = ["--host", socket, "--containerd", containerd.address, ...places];
    this.#daemon = spawn(join(this.#binaries, "dockerd"), args, { stdio: ["ignore", log, log], env: this.env });
    closeSync(log);
  }

  static async start(containerd: Containerd): Promise<Docker> {
    const docker = new Docker(containerd);
    await until(
      30_000,
      () => `dockerd answers:\n${docker.logText.slice(-3000)}`,
      async () => ((await docker.run(["version"])).code === 0 ? true : undefined),
    );
    return docker;
  }

  get logText(): string {
    return readFileSync(this.#log, "utf8");
  }

  async stop(): Promise<void> {
    if (this.#daemon.exitCode !== null) return;
    const exited = once(this.#daemon, "exit");
    this.#daemon.kill("SIGTERM");
    await within(20_000, "dockerd ends", exited);
    this.forgetHost();
    openFirewall();
  }

  /** dockerd keeps a mount of the host's network namespace once somebody has asked for that one. */
  forgetHost(): void {
    spawnSync("umount", ["-q", this.#hostNamespace]);
  }

  protected argv(args: readonly string[]): [string, ...string[]] {
    return [join(this.#binaries, "docker"), ...args];
  }
}

/** dockerd leaves its rules behind, and among them that nothing is forwarded; the next test's bridges are not docker's. */
function openFirewall(): void {
  for (const tool of ["iptables", "ip6tables"]) {
    for (const args of [["-P", "FORWARD", "ACCEPT"], ["-F"], ["-X"], ["-t", "nat", "-F"], ["-t", "nat", "-X"]])
      spawnSync(tool, ["-w", ...args]);
  }
  for (const tool of ["ip", "ip6", "arp"]) {
    const switched = `/proc/sys/net/bridge/bridge-nf-call-${tool}tables`;
    if (existsSync(switched)) writeFileSync(switched, "0");
  }
}
