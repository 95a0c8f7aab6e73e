/** The network as any container has it: the same namespace, seen by runc's container and by the VM's. */
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { type Lab, useLab, VERSIONS, visible } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";

const RUNC = "io.containerd.runc.v2";
const NAMESPACE = "mvtest";
const flags = ["--with-ns", `network:/run/netns/${NAMESPACE}`];

const ip = (...args: string[]) => execFileSync("ip", args, { stdio: ["ignore", "pipe", "inherit"] }).toString();
const inside = (...args: string[]) => ip("-n", NAMESPACE, ...args);

/** A namespace with one veth as CNI's bridge plugin would make it; its other end is in the tests' own namespace. */
function makeNamespace(mtu = 1500): void {
  ip("netns", "add", NAMESPACE);
  ip(
    "link",
    "add",
    "host0",
    "mtu",
    `${mtu}`,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "mtu",
    `${mtu}`,
    "netns",
    NAMESPACE,
  );
  ip("address", "add", "10.77.0.1/24", "dev", "host0");
  ip("address", "add", "fd77::1/64", "dev", "host0", "nodad");
  ip("link", "set", "host0", "up");
  inside("link", "set", "lo", "up");
  inside("link", "set", "eth0", "address", "02:77:00:00:00:02", "up");
  inside("address", "add", "10.77.0.2/24", "broadcast", "10.77.0.255", "dev", "eth0");
  inside("address", "add", "fd77::2/64", "dev", "eth0", "nodad");
  inside("route", "add", "default", "via", "10.77.0.1");
  inside("-6", "route", "add", "default", "via", "fd77::1");
}

function removeNamespace(): void {
  execFileSync("ip", ["netns", "delete", NAMESPACE]);
}

/** Both runtimes in turn, in the same namespace. */
async function both(lab: Lab, args: readonly string[], more: readonly string[] = []) {
  const results = [];
  for (const runtime of [RUNC, microvm]) {
    results.push(visible(await lab.run(args, { runtime, flags: [...flags, ...more] })));
  }
  return results;
}

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);
  beforeEach(() => makeNamespace());
  afterEach(removeNamespace);

  test("interfaces, addresses and routes are the namespace's", async () => {
    inside("route", "add", "10.88.0.0/16", "via", "10.77.0.9", "metric", "7");
    inside("neighbour", "add", "10.77.0.9", "lladdr", "02:77:00:00:00:09", "dev", "eth0", "nud", "permanent");
    const script =
      "ip address show eth0 | grep -v qlen; ip route; ip -6 route show dev eth0; ip neigh show 10.77.0.9; ls /sys/class/net";
    // Whether an address was probed for, the numbers of interfaces and the length of a queue are the kernel's own.
    const plain = (text: string) =>
      text
        .replaceAll(/^\d+: /gm, "")
        .replaceAll(/eth0@\S+/g, "eth0")
        .replaceAll(/ valid_lft .*/g, "")
        .replaceAll(/ (tentative|flags 02)/g, "");
    const [runc, ours] = await both(lab, ["sh", "-c", script]);
    expect(plain(ours?.stdout ?? "")).toBe(plain(runc?.stdout ?? ""));
    expect(ours?.stdout).toContain("10.77.0.2/24");
    expect(ours?.stdout).toContain("02:77:00:00:00:02");
  });

  test("packets go both ways, over IPv4 and IPv6", async () => {
    const [runc, ours] = await both(lab, [
      "sh",
      "-c",
      "ping -c 1 -W 5 10.77.0.1 >/dev/null && ping -6 -c 1 -W 5 fd77::1 >/dev/null && echo pong",
    ]);
    expect(ours).toEqual(runc);
    expect(ours?.stdout).toBe("pong\n");
  });

  test("a server in the container sees the client's address", async () => {
    for (const runtime of [RUNC, microvm]) {
      const id = lab.freshId();
      const server = lab.containerd.hold([
        "run",
        "--rm",
        "--runtime",
        runtime,
        ...flags,
        IMAGE,
        id,
        "sh",
        "-c",
        "echo ready; nc -l -p 80 -e sh -c 'env | grep -i peer; cat /proc/net/tcp | wc -l >/dev/null; cat'",
      ]);
      await server.printed("ready");
      const answer = await until(10_000, "the server answers", async () => {
        try {
          return execFileSync("busybox", ["nc", "-w", "5", "10.77.0.2", "80"], {
            input: "hello\n",
            stdio: ["pipe", "pipe", "ignore"],
          }).toString();
        } catch {
          return undefined;
        }
      });
      expect(answer).toContain("hello");
      await server.done;
    }
  });
});
