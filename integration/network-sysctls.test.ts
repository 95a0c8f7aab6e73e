/** The settings of the namespace that others made before the container starts: Docker and CNI's tuning plugin do. */
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { both, runSingle } from "./differential/compare.ts";
import { useLab } from "./harness/lab.ts";
import { Bridge } from "./network/topology.ts";

const NAMESPACE = "mvctl";

/** Below /proc/sys/net; what README promises. */
const GENERAL =
  "core/somaxconn ipv4/ip_* ipv4/ping_group_range ipv4/icmp_echo_* ipv4/icmp_ratelimit ipv4/tcp_keepalive_* " +
  "ipv4/tcp_*_timeout ipv4/tcp_*retries* ipv4/tcp_max_syn_backlog ipv4/tcp_max_tw_buckets ipv4/tcp_[rw]mem " +
  "ipv4/tcp_sack ipv4/tcp_timestamps ipv4/tcp_tw_reuse ipv4/tcp_ecn ipv4/tcp_mtu_probing ipv6/bindv6only";
const OF_INTERFACES = ["ipv4/conf/*/*", "ipv6/conf/*/*"];

describe("sysctls of the namespace", () => {
  const lab = useLab("2.4");
  let bridge: Bridge;
  beforeEach(() => {
    bridge = new Bridge(77);
    bridge.namespace(NAMESPACE, 2);
  });
  afterEach(() => bridge.close());

  const set = (name: string, value: string) =>
    execFileSync("ip", ["netns", "exec", NAMESPACE, "tee", `/proc/sys/net/${name}`], { input: value });

  /** What a container of each runtime sees of these files, a line each. */
  async function seen(files: readonly string[], sysctl: Record<string, string> = {}) {
    const { theirs, ours } = await both((runtime) =>
      runSingle(
        lab,
        {
          name: "sysctl",
          args: ["sh", "-c", `cd /proc/sys/net; grep -s "" ${files.join(" ")}; true`],
          spec: (spec) => {
            spec.linux.sysctl = sysctl;
            const network = spec.linux.namespaces.find(({ type }) => type === "network");
            if (network) network.path = `/run/netns/${NAMESPACE}`;
          },
        },
        runtime,
      ),
    );
    return { theirs: lines(theirs.stdout), ours: lines(ours.stdout) };
  }

  /** Compared where both kernels have the file. */
  async function compared(files: readonly string[], sysctl?: Record<string, string>) {
    const { theirs, ours } = await seen(files, sysctl);
    const common = (from: Map<string, string>, other: Map<string, string>) =>
      Object.fromEntries([...from].filter(([name]) => other.has(name) && !OWN.test(name)));
    expect(common(ours, theirs)).toEqual(common(theirs, ours));
    return common(ours, theirs);
  }

  test("are as under runc when nobody has set any", async () => {
    const common = await compared([GENERAL, ...OF_INTERFACES]);
    expect(Object.keys(common).length).toBeGreaterThan(250);
  });

  test("are the container's, and those of config.json come on top", async () => {
    const values = {
      "core/somaxconn": "321",
      "ipv4/ip_local_port_range": "40000\t50000",
      "ipv4/tcp_keepalive_time": "100",
      "ipv4/tcp_rmem": "4096\t65536\t1000000",
      "ipv4/ip_forward": "1",
      "ipv4/conf/all/accept_redirects": "1",
      "ipv4/conf/eth0/rp_filter": "2",
      "ipv4/conf/lo/route_localnet": "1",
      "ipv6/conf/default/disable_ipv6": "1",
      "ipv6/conf/eth0/accept_ra": "0",
      "ipv6/conf/all/forwarding": "1",
    };
    for (const [name, value] of Object.entries(values)) set(name, value);
    const own = { "net.core.somaxconn": "99", "net.ipv4.conf.eth0.arp_ignore": "1" };
    const common = await compared([GENERAL, ...OF_INTERFACES], own);
    expect(common).toMatchObject({ ...values, "core/somaxconn": "99", "ipv4/conf/eth0/arp_ignore": "1" });
  });

  test("can take IPv6 away, from all interfaces but one", async () => {
    set("ipv6/conf/all/disable_ipv6", "1");
    set("ipv6/conf/eth0/disable_ipv6", "0");
    const common = await compared(["ipv6/conf/*/disable_ipv6"]);
    expect(common).toMatchObject({ "ipv6/conf/lo/disable_ipv6": "1", "ipv6/conf/eth0/disable_ipv6": "0" });
  });
});

/** What a kernel has of its own: how it makes link-local addresses, which guest-init is told instead. */
const OWN = /conf\/eth0\/addr_gen_mode$/;

function lines(text: string): Map<string, string> {
  return new Map(
    text.split("\n").flatMap((line) => [/^([^:]+):(.*)$/.exec(line)?.slice(1, 3) as [string, string]].filter(Boolean)),
  );
}
