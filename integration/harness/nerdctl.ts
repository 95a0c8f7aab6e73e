/** nerdctl over a test's private containerd, with everything that it keeps below the test's directory. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Client } from "./client.ts";
import type { Containerd } from "./containerd.ts";
import { nerdctlBinary } from "./paths.ts";

export class Nerdctl extends Client {
  readonly #containerd: Containerd;
  readonly #runtime: string;
  readonly env: NodeJS.ProcessEnv;

  constructor(containerd: Containerd, runtime: string) {
    super();
    this.#containerd = containerd;
    this.#runtime = runtime;
    const home = join(containerd.directory, "home");
    mkdirSync(home, { recursive: true });
    this.env = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", HOME: home, TERM: "xterm", TMPDIR: containerd.directory };
  }

  protected argv(args: readonly string[]): [string, ...string[]] {
    const { address, directory } = this.#containerd;
    const places = ["--data-root", join(directory, "nerdctl"), "--cni-netconfpath", join(directory, "cni")];
    places.push("--cni-path", "/usr/lib/cni");
    return [nerdctlBinary(), "--address", address, "--cgroup-manager", "cgroupfs", ...places, ...args];
  }

  /** The arguments of `nerdctl run` that every test needs, then these. */
  runArgs(args: readonly string[]): string[] {
    return ["run", "--runtime", this.#runtime, "--net", "none", "--pull", "never", ...args];
  }
}
