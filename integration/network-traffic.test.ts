/** Packets between the host, a container under runc and one in a VM, all on one bridge. */
import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Command } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { useLab } from "./harness/lab.ts";
import { runc, runtime } from "./harness/paths.ts";
import { type Endpoint, hostEndpoint, PORT, startEndpoint, stopEndpoint } from "./network/endpoints.ts";
import { addNamespace, Bridge, buildPeer, ip } from "./network/topology.ts";

const FAR = "mvfar";
const HOP_MTU = 1300;
const PEERS = [
  { runtime: runc, host: 2, namespace: "mvrunc" },
  { runtime, host: 3, namespace: "mvours" },
] as const;

describe("traffic", () => {
  const lab = useLab("2.4");
  let bridge: Bridge;
  let host: Endpoint;
  let theirs: Awaited<ReturnType<typeof startEndpoint>>;
  let ours: typeof theirs;
  let far: Command;

  beforeAll(async () => {
    const peers = buildPeer(lab.containerd.directory);
    const peer = `${peers}/peer`;
    const serve = ["serve", `${PORT}`] as const;
    bridge = new Bridge(77);
    for (const { namespace, host } of PEERS) bridge.namespace(namespace, host);
    makeHop();
    const server = new Command([peer, ...serve], { limit: 600_000 });
    far = new Command(["ip", "netns", "exec", FAR, peer, ...serve], { limit: 600_000 });
    await Promise.all([server.printed("ready"), far.printed("ready")]);
    host = hostEndpoint(lab, peers, server);
    const [first, second] = PEERS;
    theirs = await startEndpoint(lab, first.runtime, first.host, first.namespace, peers);
    ours = await startEndpoint(lab, second.runtime, second.host, second.namespace, peers);
  });

  afterAll(async () => {
    for (const endpoint of [theirs, ours]) await stopEndpoint(lab, endpoint);
    for (const server of [host.server, far]) {
      server.kill("SIGKILL");
      await server.done;
    }
    writeFileSync("/proc/sys/net/ipv4/ip_forward", "0");
    ip("netns", "delete", FAR);
    bridge.close();
  });

  /** A network behind this host, which is its router, over a link that takes less. */
  function makeHop(): void {
    writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
    addNamespace(FAR);
    ip("link", "add", "hop", "mtu", `${HOP_MTU}`, "type", "veth", "peer", "name", "eth0", "netns", FAR);
    ip("address", "add", "10.99.0.1/24", "dev", "hop");
    ip("link", "set", "hop", "up");
    ip("-n", FAR, "link", "set", "eth0", "up");
    ip("-n", FAR, "address", "add", "10.99.0.2/24", "dev", "eth0");
    ip("-n", FAR, "route", "add", "default", "via", "10.99.0.1");
  }

  /** The same script from both containers, which must have the same to say but for their own addresses. */
  async function fromBoth(script: string) {
    const [one, other] = [await theirs.sh(script), await ours.sh(script)];
    const plain = (endpoint: Endpoint, text: string) =>
      text.replaceAll(bridge.address(endpoint.host), "OWN").replaceAll(bridge.address(endpoint.host, 6), "OWN");
    expect({ ...other, stdout: plain(ours, other.stdout) }).toEqual({ ...one, stdout: plain(theirs, one.stdout) });
    return plain(ours, other.stdout);
  }

  test("TCP and UDP from each to each, over IPv4 and IPv6; the server sees the client's own address", async () => {
    const ends = [host, theirs, ours];
    for (const from of ends) {
      const others = ends.filter((end) => end !== from);
      const asks = others.flatMap((to) =>
        ([4, 6] as const).flatMap((family) => {
          const place = `${bridge.address(to.host, family)} ${PORT}`;
          return [`peer ask ${place} 70000`, `peer ask-udp ${place} 1000`];
        }),
      );
      const answers = others.flatMap(() =>
        ([4, 6] as const).flatMap((family) => {
          const own = bridge.address(from.host, family);
          return [`${own} 70000`, `${own} 1000`];
        }),
      );
      expect(await from.sh(asks.join("; ")), from.name).toEqual({
        code: 0,
        stdout: `${answers.join("\n")}\n`,
        stderr: "",
      });
    }
  });

  test("100 MB arrive as they were sent, in both directions", async () => {
    const bytes = 100_000_000;
    const into = await host.sh(`peer ask ${bridge.address(ours.host)} ${PORT} ${bytes}`);
    expect(into).toEqual({ code: 0, stdout: `${bridge.address(host.host)} ${bytes}\n`, stderr: "" });
    expect(await fromBoth(`peer ask ${bridge.address(host.host)} ${PORT} ${bytes}`)).toBe(`OWN ${bytes}\n`);
  });

  test("500 connections at once, in both directions", async () => {
    const into = await host.sh(`peer ask ${bridge.address(ours.host)} ${PORT} 3000 500`);
    expect(into).toEqual({ code: 0, stdout: `${bridge.address(host.host)} 3000\n`, stderr: "" });
    expect(await fromBoth(`peer ask ${bridge.address(host.host)} ${PORT} 3000 500`)).toBe("OWN 3000\n");
  });

  test("a port that is closed is refused, in both directions", async () => {
    const closed = (kind: string, end: number, family: 4 | 6) =>
      `peer ${kind} ${bridge.address(end, family)} ${PORT + 1} 10`;
    const script = (end: number) =>
      ["ask", "ask-udp"].flatMap((kind) => ([4, 6] as const).map((family) => closed(kind, end, family))).join("; ");
    const refused = "connect: Connection refused\n".repeat(2) + "answer: Connection refused\n".repeat(2);
    expect(await fromBoth(script(host.host))).toBe(refused);
    expect((await host.sh(script(ours.host))).stdout).toBe(refused);
  });

  test("a router's word that a packet is too large arrives, and TCP goes by it; that one has gone too far, too", async () => {
    expect(await fromBoth(`peer ask-udp 10.99.0.2 ${PORT} ${HOP_MTU - 28}`)).toBe(`OWN ${HOP_MTU - 28}\n`);
    expect(await fromBoth(`peer ask-udp 10.99.0.2 ${PORT} ${HOP_MTU - 27}`)).toBe("answer: Message too long\n");
    expect(await fromBoth(`peer ask 10.99.0.2 ${PORT} 1000000`)).toBe("OWN 1000000\n");
    const hops = "traceroute -n -q 1 -m 2 -w 5 10.99.0.2 2>/dev/null | awk 'NR > 1 { print $1, $2 }'";
    expect(await fromBoth(hops)).toBe("1 10.77.0.1\n2 10.99.0.2\n");
  });

  test("broadcasts and ARP arrive, in both directions", async () => {
    const everyone = bridge.address(255);
    await ours.sh(`peer tell ${everyone} ${PORT} 77`);
    for (const end of [host, theirs]) await end.server.printed(`udp ${bridge.address(ours.host)} 77 `);
    await host.sh(`peer tell ${everyone} ${PORT} 78`);
    for (const end of [theirs, ours]) await end.server.printed(`udp ${bridge.address(host.host)} 78 `);
    expect(await fromBoth(`arping -f -w 5 -I eth0 ${bridge.address(1)} | grep -o 'reply from.*]'`)).toBe(
      "reply from 10.77.0.1 [02:77:00:00:00:01]\n",
    );
    ip("neighbour", "flush", "dev", bridge.name);
    await host.sh(`ping -c 1 -W 5 ${bridge.address(ours.host)}`);
    const neighbour = await until(5_000, "the host knows the VM's address", () => {
      const text = ip("neighbour", "show", bridge.address(ours.host));
      return text.includes("lladdr") ? text : undefined;
    });
    expect(neighbour).toContain("lladdr 02:77:00:00:00:03");
  });

  test("loopback is up, and the interface is the namespace's", async () => {
    const script = "ping -c 1 -W 5 127.0.0.1 && ping -6 -c 1 -W 5 ::1; ip -o address show lo; ls /sys/class/net";
    const plain = (text: string) => text.replaceAll(/time=\S+|round-trip.*|\d+ packets.*/g, "");
    const [one, other] = [await theirs.sh(script), await ours.sh(script)];
    expect(plain(other.stdout)).toBe(plain(one.stdout));
    expect(other.stdout).toContain("inet6 ::1/128");
  });
});
