import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import type { NetworkRequest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { readNetwork } from "./network-read.ts";
import { guestLinks, networkRequest } from "./network-request.ts";

const run = promisify(execFile);
const LIMIT_MS = 5_000;

export interface NetworkParts {
  /** A process in the VM's network namespace. */
  readonly pid: number;
  /** How many devices the VM has. */
  readonly devices: number;
  /** Configures the guest's devices. */
  readonly configure: (request: NetworkRequest) => Promise<unknown>;
}

/**
 * Makes the interfaces of a network namespace the guest's: each is coupled to a tap device of the VM, so that every
 * packet goes past the host's own IP in that namespace, and the guest gets their addresses and routes.
 */
export class Network {
  readonly #parts: NetworkParts;
  #coupled = new Set<string>();
  #known = "";
  #tail: Promise<void> = Promise.resolve();

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /** Takes what is there now. Interfaces may come until the first Start. Nothing has changed: nothing is done. */
  sync(): Promise<void> {
    const next = this.#tail.then(() => this.#sync());
    this.#tail = next.catch(() => {});
    return next;
  }

  async #sync(): Promise<void> {
    const { pid, devices, configure } = this.#parts;
    if (!hasInterfaces(pid)) return;
    const state = await readNetwork(pid);
    const links = guestLinks(state);
    if (links.length > devices) {
      throw new RpcError(
        Code.FailedPrecondition,
        `the network namespace has ${links.length} interfaces and the VM ${devices} devices: set network_devices in the configuration`,
      );
    }
    const request = networkRequest(state);
    const text = JSON.stringify(request);
    if (text === this.#known) return;
    const fresh = links
      .map(({ ifname, mtu }, index) => ({ ifname, mtu, tap: `microvm${index}` }))
      .filter(({ ifname, tap }) => !this.#coupled.has(`${ifname} ${tap}`));
    await Promise.all([couple(pid, fresh), configure(request)]);
    for (const { ifname, tap } of fresh) this.#coupled.add(`${ifname} ${tap}`);
    this.#known = text;
  }
}

/** Whether there is more than loopback and the taps. Costs nothing, for most starts have nothing to do. */
function hasInterfaces(pid: number): boolean {
  const names = readFileSync(`/proc/${pid}/net/dev`, "latin1")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "");
  return names.some((name) => name !== "" && name !== "lo" && !/^microvm\d+$/.test(name));
}

/** Every packet that one of the two gets leaves by the other. */
async function couple(pid: number, pairs: readonly { ifname: string; tap: string; mtu: number }[]): Promise<void> {
  if (pairs.length === 0) return;
  const redirect = (from: string, to: string) => [
    `qdisc replace dev ${from} ingress`,
    `filter replace dev ${from} parent ffff: protocol all pref 1 handle 800::800 u32 match u32 0 0 action mirred egress redirect dev ${to}`,
  ];
  const links = pairs.map(({ tap, mtu }) => `link set dev ${tap} mtu ${mtu} up`);
  const filters = pairs.flatMap(({ ifname, tap }) => [...redirect(ifname, tap), ...redirect(tap, ifname)]);
  await batch(pid, "ip", links);
  await batch(pid, "tc", filters);
}

async function batch(pid: number, tool: string, lines: readonly string[]): Promise<void> {
  const running = run("nsenter", [`--net=/proc/${pid}/ns/net`, "--", tool, "-batch", "-"], { timeout: LIMIT_MS });
  running.child.stdin?.end(`${lines.join("\n")}\n`);
  await running.catch((error: { stderr?: string; message: string }) => {
    const said = (error.stderr ?? "").trim().split("\n")[0];
    throw new Error(`cannot join the network namespace's interfaces to the VM: ${said || error.message}`, {
      cause: error,
    });
  });
}
