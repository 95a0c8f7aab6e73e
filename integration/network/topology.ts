/** Network namespaces on a bridge of the tests' own world, as CNI's bridge plugin would make them. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

export function ip(...args: string[]): string {
  return execFileSync("ip", args, { encoding: "utf8" });
}

/** Where the directory with the program `peer` is in a container. */
export const PEER = "/peer";

/** Compiles peer.c into a directory of its own below this one; gives that directory. */
export function buildPeer(below: string): string {
  const directory = join(below, "peer");
  mkdirSync(directory, { recursive: true });
  const source = join(import.meta.dirname, "peer.c");
  execFileSync("cc", ["-O2", "-Wall", "-Werror", "-static", "-o", join(directory, "peer"), source]);
  return directory;
}

/** A bridge with the addresses 10.N.0.1/24 and fdN::1/64; `close` removes it and its namespaces. */
export class Bridge {
  readonly name: string;
  readonly #subnet: number;
  readonly #mtu: number;
  readonly #namespaces: string[] = [];

  constructor(subnet: number, mtu = 1500) {
    this.name = `br${subnet}`;
    this.#subnet = subnet;
    this.#mtu = mtu;
    ip("link", "add", this.name, "address", `02:${subnet}:00:00:00:01`, "mtu", `${mtu}`, "type", "bridge");
    ip("address", "add", `10.${subnet}.0.1/24`, "broadcast", "+", "dev", this.name);
    ip("address", "add", `fd${subnet}::1/64`, "dev", this.name, "nodad");
    ip("link", "set", this.name, "up");
  }

  /** Its IPv4 or IPv6 address, or that of one of its namespaces. */
  address(host: number, family: 4 | 6 = 4): string {
    return family === 4 ? `10.${this.#subnet}.0.${host}` : `fd${this.#subnet}::${host}`;
  }

  /** Connects a namespace by an interface with the addresses of `host`; the first one gets the default routes. */
  connect(namespace: string, host: number, device = "eth0"): void {
    const port = `p${this.#subnet}-${host}`;
    const mtu = ["mtu", `${this.#mtu}`];
    const peer = ["peer", "name", device, ...mtu, "address", `02:${this.#subnet}:00:00:00:0${host}`];
    ip("link", "add", port, ...mtu, "type", "veth", ...peer, "netns", namespace);
    ip("link", "set", port, "master", this.name, "up");
    const inside = (...args: string[]) => ip("-n", namespace, ...args);
    inside("link", "set", device, "up");
    inside("address", "add", `${this.address(host)}/24`, "broadcast", "+", "dev", device);
    inside("address", "add", `${this.address(host, 6)}/64`, "dev", device, "nodad");
    if (device !== "eth0") return;
    inside("route", "add", "default", "via", this.address(1));
    inside("-6", "route", "add", "default", "via", this.address(1, 6));
  }

  /** Makes a namespace and connects it. */
  namespace(name: string, host: number): string {
    addNamespace(name);
    this.#namespaces.push(name);
    this.connect(name, host);
    return name;
  }

  close(): void {
    for (const name of this.#namespaces) ip("netns", "delete", name);
    ip("link", "delete", this.name);
  }
}

export function addNamespace(name: string): void {
  ip("netns", "add", name);
  ip("-n", name, "link", "set", "lo", "up");
}

/** What `ctr run` needs for the namespace, and for the program `peer`. */
export function runFlags(namespace: string, peerDirectory: string): string[] {
  const mount = `type=bind,src=${peerDirectory},dst=${PEER},options=rbind:ro`;
  return ["--with-ns", `network:/run/netns/${namespace}`, "--mount", mount];
}

/** All that a VM could leave in a namespace, or here: links, what traffic control does with them, and listeners. */
export function traces(namespace?: string): string {
  const where = namespace === undefined ? [] : ["-n", namespace];
  const tc = (...args: string[]) => spawnSync("tc", [...where, ...args], { encoding: "utf8" }).stdout;
  const names = ip(...where, "-o", "link")
    .trim()
    .split("\n");
  const devices = names.map((line) => /^\d+: ([^:@]+)/.exec(line)?.[1] ?? "");
  // A device may go while this looks.
  const filters = devices.map((device) => tc("filter", "show", "dev", device, "ingress"));
  const listeners = namespace === undefined ? "" : ip("netns", "exec", namespace, "ss", "-Hltn");
  return [...names, tc("qdisc", "show"), ...filters, listeners].join("\n");
}
