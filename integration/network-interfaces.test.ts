/** Interfaces of other kinds and sizes, and what config.json says of the network. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { both, runSingle } from "./differential/compare.ts";
import { Command } from "./harness/command.ts";
import { type Lab, useLab, visible } from "./harness/lab.ts";
import { PORT } from "./network/endpoints.ts";
import { addNamespace, Bridge, buildPeer, ip, PEER, runFlags } from "./network/topology.ts";

const NAMESPACE = "mvifs";

/** An interface as a program sees it, but for its number and queue, and how far its own IPv6 address has come. */
const SHOW =
  "(cd /sys/class/net/$i; echo $i: $(cat mtu flags operstate address)); ip address show $i | grep -v qlen | " +
  "sed 's/ valid_lft.*//; s/ tentative//; s/ flags 02//'";

describe("interfaces", () => {
  const lab = useLab("2.4");
  beforeEach(() => addNamespace(NAMESPACE));
  afterEach(() => ip("netns", "delete", NAMESPACE));

  /** The script's outcome in the namespace under both runtimes, while the host serves. */
  async function compared(lab: Lab, script: string) {
    const peers = buildPeer(lab.containerd.directory);
    const server = new Command([`${peers}/peer`, "serve", `${PORT}`]);
    await server.printed("ready");
    const flags = runFlags(NAMESPACE, peers);
    const args = ["sh", "-c", `PATH=/bin:${PEER}; ${script}`];
    const result = await both(async (runtime) => visible(await lab.run(args, { runtime, flags })));
    server.kill("SIGKILL");
    await server.done;
    expect(result.ours).toEqual(result.theirs);
    return result.ours.stdout;
  }

  test("two, of 1400 and of 9000 bytes", async () => {
    const small = new Bridge(77, 1400);
    const large = new Bridge(78, 9000);
    try {
      small.connect(NAMESPACE, 2);
      large.connect(NAMESPACE, 2, "net1");
      const asks = [
        [small, 1400],
        [large, 9000],
      ].flatMap(([bridge, mtu]) => {
        const place = `${(bridge as Bridge).address(1)} ${PORT}`;
        const fits = (mtu as number) - 28;
        return [`peer ask ${place} 1000000`, `peer ask-udp ${place} ${fits}`, `peer ask-udp ${place} ${fits + 1}`];
      });
      const stdout = await compared(lab, `for i in eth0 net1; do ${SHOW}; done; ip route; ${asks.join("; ")}; true`);
      expect(stdout).toContain("net1: 9000 ");
      expect(stdout.trim().split("\n").slice(-6)).toEqual([
        "10.77.0.2 1000000",
        "10.77.0.2 1372",
        "send: Message too long",
        "10.78.0.2 1000000",
        "10.78.0.2 8972",
        "send: Message too long",
      ]);
    } finally {
      small.close();
      large.close();
    }
  });

  test("a macvlan", async () => {
    const bridge = new Bridge(77);
    try {
      // Its parent is one end of a veth whose other end is a port of the bridge.
      ip("link", "add", "parent", "type", "veth", "peer", "name", "port");
      ip("link", "set", "port", "master", bridge.name, "up");
      ip("link", "set", "parent", "up");
      const address = ["address", "02:77:00:00:00:09"];
      ip("link", "add", "link", "parent", "name", "mac0", ...address, "type", "macvlan", "mode", "bridge");
      ip("link", "set", "mac0", "netns", NAMESPACE, "name", "eth0");
      ip("-n", NAMESPACE, "address", "add", `${bridge.address(9)}/24`, "dev", "eth0");
      ip("-n", NAMESPACE, "link", "set", "eth0", "up");
      const stdout = await compared(lab, `i=eth0; ${SHOW}; peer ask ${bridge.address(1)} ${PORT} 100000`);
      expect(stdout).toContain("link/ether 02:77:00:00:00:09");
      expect(stdout).toContain("10.77.0.9 100000\n");
    } finally {
      ip("link", "delete", "parent");
      bridge.close();
    }
  });

  test("one that is down, and one without an address", async () => {
    const bridge = new Bridge(77);
    try {
      bridge.connect(NAMESPACE, 2);
      bridge.connect(NAMESPACE, 3, "net1");
      ip("-n", NAMESPACE, "link", "set", "net1", "down");
      ip("-n", NAMESPACE, "address", "flush", "dev", "net1");
      await compared(lab, `for i in eth0 net1; do ${SHOW}; done; ip route`);
    } finally {
      bridge.close();
    }
  });

  test("a queue, and no other end to be named by: a named difference", async () => {
    const bridge = new Bridge(77);
    try {
      bridge.connect(NAMESPACE, 2);
      const flags = runFlags(NAMESPACE, buildPeer(lab.containerd.directory));
      const show = ["sh", "-c", "ip link show eth0 | head -n 1"];
      const { theirs, ours } = await both(async (runtime) => visible(await lab.run(show, { runtime, flags })));
      expect(theirs.stdout).toMatch(/ eth0@if\d+: .* qdisc noqueue /);
      expect(ours.stdout).toMatch(/ eth0: .* qdisc pfifo_fast /);
    } finally {
      bridge.close();
    }
  });

  test("sysctls of config.json, of the namespace and of an interface", async () => {
    const sysctl = {
      "net.ipv4.ip_forward": "1",
      "net.ipv4.conf.eth0.rp_filter": "2",
      "net.ipv4.conf.all.arp_announce": "1",
      "net.ipv4.ping_group_range": "0 100",
      "net.ipv4.ip_unprivileged_port_start": "80",
      "net.ipv6.conf.eth0.accept_ra": "0",
      "net.core.somaxconn": "321",
    };
    const bridge = new Bridge(77);
    try {
      bridge.connect(NAMESPACE, 2);
      const files = Object.keys(sysctl).map((name) => `/proc/sys/${name.replaceAll(".", "/")}`);
      const { theirs, ours } = await both((runtime) =>
        runSingle(
          lab,
          {
            name: "sysctl",
            args: ["sh", "-c", `cat ${files.join(" ")}`],
            spec: (spec) => {
              spec.linux.sysctl = sysctl;
              const network = spec.linux.namespaces.find(({ type }) => type === "network");
              if (network) network.path = `/run/netns/${NAMESPACE}`;
            },
          },
          runtime,
        ),
      );
      expect(theirs.stdout).toBe("1\n2\n1\n0\t100\n80\n0\n321\n");
      expect(ours).toEqual(theirs);
    } finally {
      bridge.close();
    }
  });
});
