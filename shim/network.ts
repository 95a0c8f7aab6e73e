import { readFileSync } from "node:fs";
import type { NetworkRequest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Loopback } from "../vmm/loopback.ts";
import { isTap, tapName } from "../vmm/qemu-args.ts";
import { Serial } from "../vmm/serial.ts";
import { couple, decouple } from "./coupling.ts";
import { readNetwork } from "./network-read.ts";
import { guestLinks, networkRequest } from "./network-request.ts";
import { GuestSysctls, readSysctls } from "./sysctls.ts";

export interface NetworkParts {
  /** A process in the VM's network namespace. */
  readonly pid: number;
  /** How many devices the VM has. */
  readonly devices: number;
  /** None of them has an interface yet. */
  readonly bare: boolean;
  /** Configures the guest's devices. */
  readonly configure: (request: NetworkRequest) => Promise<unknown>;
  /** Of a network namespace that outlives the VM; undefined for the VM's own. */
  readonly path: string | undefined;
  /** Told before interfaces of such a namespace are coupled. */
  readonly onCoupled: (network: { namespace: string; interfaces: readonly string[] }) => void;
  /** Joins connections within the namespace to the guest. */
  readonly openLoopback: () => Promise<Loopback>;
  readonly warn: (message: string) => void;
}

/**
 * Makes the interfaces of a network namespace the guest's: each is coupled to a tap device of the VM, so that every
 * packet goes past the host's own IP in that namespace, and the guest gets their addresses and routes.
 */
export class Network {
  readonly #parts: NetworkParts;
  #coupled = new Set<string>();
  #known = "";
  readonly #sysctls = new GuestSysctls();
  #closed = false;
  #loopback: Promise<Loopback | undefined> | undefined;
  readonly #syncs = new Serial();

  constructor(parts: NetworkParts) {
    this.#parts = parts;
  }

  /**
   * Takes what is there now; interfaces may come until the first Start. If nothing has changed nothing is done. `last`: no
   * interface is to come, and a device without one goes.
   */
  async sync(last: boolean): Promise<void> {
    await this.#syncs.run(() => this.#sync(last));
    if (last) await this.join();
  }

  /** Joins connections within the namespace to the guest, once: beside what comes until Start, which waits for it. */
  async join(): Promise<void> {
    if (!this.#closed) this.#loopback ??= this.#openLoopback();
    await this.#loopback;
  }

  /** The VM is gone: what outlives it is as it was. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#syncs.settled();
    await (await this.#loopback)?.close();
    const { path } = this.#parts;
    if (path !== undefined)
      await decouple(
        path,
        [...this.#coupled].map((pair) => pair.split(" ")[0] ?? ""),
      );
  }

  /** A container that only its own host cannot reach by loopback is better than none. */
  async #openLoopback(): Promise<Loopback | undefined> {
    const warn = (why: string) =>
      this.#parts.warn(`connections made within the container's network namespace do not reach it: ${why}`);
    try {
      const loopback = await this.#parts.openLoopback();
      void loopback.ended.then((how) => !this.#closed && warn(`microvm-loopback ended with ${how}`));
      return loopback;
    } catch (error) {
      warn((error as Error).message);
      return undefined;
    }
  }

  /** Without them a container runs as well as most. */
  async #readSysctls(interfaces: readonly string[]): Promise<ReadonlyMap<string, string>> {
    try {
      return await readSysctls(this.#parts.pid, interfaces);
    } catch (error) {
      this.#parts.warn(`the network namespace's sysctls are not taken over: ${(error as Error).message}`);
      return new Map();
    }
  }

  async #sync(last: boolean): Promise<void> {
    const { pid, devices, bare, configure } = this.#parts;
    if (devices === 0) return;
    const names = interfacesOf(pid);
    if (names.length === 0) {
      if (last && this.#known === "" && !bare) await configure({});
      if (last) this.#known ||= "{}";
      return;
    }
    const [state, sysctls] = await Promise.all([readNetwork(pid), this.#readSysctls(names)]);
    const links = guestLinks(state);
    if (links.length > devices) {
      throw new RpcError(
        Code.FailedPrecondition,
        `the network namespace has ${links.length} interfaces and the VM ${devices} devices: set network_devices in the configuration`,
      );
    }
    const request = networkRequest(state);
    const text = JSON.stringify(request);
    const changes = this.#sysctls.take(sysctls, names);
    if (text === this.#known && changes.length === 0) return;
    const fresh = links
      .map(({ ifname, mtu }, index) => ({ ifname, mtu, tap: tapName(index) }))
      .filter(({ ifname, tap }) => !this.#coupled.has(`${ifname} ${tap}`));
    if (this.#parts.path !== undefined)
      this.#parts.onCoupled({ namespace: this.#parts.path, interfaces: links.map(({ ifname }) => ifname) });
    await Promise.all([couple(`/proc/${pid}/ns/net`, fresh), configure({ ...request, sysctls: changes })]);
    for (const { ifname, tap } of fresh) this.#coupled.add(`${ifname} ${tap}`);
    this.#known = text;
  }
}

/** All but loopback and the taps. Costs nothing, for most starts have nothing to do. */
function interfacesOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/net/dev`, "latin1")
    .split("\n")
    .slice(2)
    .map((line) => line.split(":")[0]?.trim() ?? "")
    .filter((name) => name !== "" && name !== "lo" && !isTap(name));
}
