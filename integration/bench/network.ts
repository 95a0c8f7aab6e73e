/** What a connection to a container carries and how long it takes, the two runtimes in turn. */
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { must } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import type { Session } from "../harness/session.ts";
import { type Name, RUNTIMES } from "./runtimes.ts";
import { inTurn, type Times } from "./times.ts";

const BYTES = 256 * 1024 * 1024;
const QUESTIONS = 1000;
const PORT = 700;
const ADDRESS = "10.99.1.2";

export const FLOWS = [
  { title: "256 MiB by TCP into the container", kind: "send", count: BYTES, bytes: BYTES },
  { title: "256 MiB by TCP out of the container", kind: "receive", count: BYTES, bytes: BYTES },
  { title: "1000 questions by TCP, one by one", kind: "ask", count: QUESTIONS, bytes: 0 },
] as const;
export type Flow = (typeof FLOWS)[number];

/** In milliseconds, as the client on the host has them; the first of each is not counted. */
export async function measureNetwork(
  current: Session,
  runs: number,
): Promise<{ flow: Flow; times: Record<Name, Times> }[]> {
  await using undo = new AsyncDisposableStack();
  const flow = join(buildFlow(current.containerd.directory), "flow");
  const sides = { runc: await openSide(current, "runc", undo), microvm: await openSide(current, "microvm", undo) };
  const measured = [];
  for (const each of FLOWS) {
    const times = await inTurn(current, runs, async (name) => {
      const client = [flow, each.kind, ADDRESS, `${PORT}`, `${each.count}`];
      const { stdout } = await must(["ip", "netns", "exec", sides[name], ...client]);
      return Number(stdout.toString());
    });
    measured.push({ flow: each, times });
  }
  return measured;
}

/**
 * Starts a container that serves, in a network namespace that a veth pair joins to one for the clients. The name of that
 * one.
 */
async function openSide({ containerd, token }: Session, name: Name, undo: AsyncDisposableStack): Promise<string> {
  const [clients, servers, id] = [`${token}-c-${name}`, `${token}-s-${name}`, `${token}-flow-${name}`];
  for (const namespace of [clients, servers]) {
    ip("netns", "add", namespace);
    undo.defer(() => ip("netns", "delete", namespace));
    ip("-n", namespace, "link", "set", "lo", "up");
  }
  ip("-n", clients, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", servers);
  for (const [namespace, address] of [
    [clients, "10.99.1.1"],
    [servers, ADDRESS],
  ] as const) {
    ip("-n", namespace, "address", "add", `${address}/24`, "dev", "eth0");
    ip("-n", namespace, "link", "set", "eth0", "up");
  }
  const flow = ["--mount", `type=bind,src=${join(containerd.directory, "flow")},dst=/flow,options=rbind:ro`];
  const network = ["--with-ns", `network:/run/netns/${servers}`];
  const args = ["--runtime", RUNTIMES[name], ...flow, ...network, IMAGE, id, "/flow/flow", "serve", `${PORT}`];
  const server = containerd.hold(["run", "--rm", ...args], { limit: 3_600_000 });
  undo.defer(async () => {
    await containerd.ctr(["task", "kill", "-s", "SIGKILL", id]);
    await server.done;
  });
  await server.printed("ready");
  return clients;
}

function ip(...args: string[]): void {
  execFileSync("ip", args);
}

function buildFlow(below: string): string {
  const directory = join(below, "flow");
  mkdirSync(directory);
  const source = join(import.meta.dirname, "flow.c");
  execFileSync("cc", ["-O2", "-Wall", "-Werror", "-static", "-o", join(directory, "flow"), source]);
  return directory;
}
