/** The three that talk to each other: the host, a container under runc, and one in a VM. */
import type { Command } from "../harness/command.ts";
import { must, run } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import { type Lab, visible } from "../harness/lab.ts";
import { PEER, runFlags } from "./topology.ts";

export const PORT = 700;

export type Visible = ReturnType<typeof visible>;

export interface Endpoint {
  readonly name: string;
  /** On the bridge. */
  readonly host: number;
  /** Runs a shell script there; `peer` is on the PATH. */
  sh(script: string): Promise<Visible>;
  /** What its server has printed; it listens on PORT. */
  readonly server: Command;
}

export function hostEndpoint(lab: Lab, peerDirectory: string, server: Command): Endpoint {
  const env = { PATH: `${peerDirectory}:/usr/sbin:/usr/bin:/sbin:/bin` };
  return {
    name: "the host",
    host: 1,
    server,
    sh: async (script) => visible(await run(["busybox", "sh", "-c", script], { env, cwd: lab.containerd.directory })),
  };
}

/** A container in the namespace that runs the server until `stopEndpoint`. */
export async function startEndpoint(lab: Lab, runtime: string, host: number, namespace: string, peers: string) {
  const id = lab.freshId();
  const flags = [...runFlags(namespace, peers), "--env", `PATH=/bin:${PEER}`];
  const args = ["run", "--rm", "--runtime", runtime, ...flags, IMAGE, id, "peer", "serve", `${PORT}`];
  const server = lab.containerd.hold(args, { limit: 600_000 });
  await server.printed("ready");
  const sh = async (script: string) =>
    visible(await lab.containerd.ctr(["task", "exec", "--exec-id", lab.freshId(), id, "sh", "-c", script]));
  return { id, name: runtime, host, server, sh };
}

export async function stopEndpoint(lab: Lab, endpoint: { id: string; server: Command }): Promise<void> {
  await must(lab.containerd.argv(["task", "kill", "-s", "SIGKILL", endpoint.id]));
  await endpoint.server.done;
}
