/** `ctr run --cni`, which makes the interfaces between Create and Start, and `--net-host`. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { useLab, VERSIONS, visible } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { ip, traces } from "./network/topology.ts";

const CONFIGURATION = "/etc/cni/net.d";
const BRIDGE = "brcni";

const NETWORK = {
  cniVersion: "1.0.0",
  name: "test",
  plugins: [
    {
      type: "bridge",
      bridge: BRIDGE,
      isGateway: true,
      ipam: { type: "host-local", ranges: [[{ subnet: "10.57.0.0/24" }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
    {
      type: "tuning",
      mac: "02:57:00:00:00:07",
      mtu: 1400,
      sysctl: {
        "net.core.somaxconn": "500",
        "net.ipv4.tcp_keepalive_time": "77",
        "net.ipv4.conf.eth0.arp_filter": "1",
      },
    },
  ],
};

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);
  beforeEach(() => {
    mkdirSync(CONFIGURATION, { recursive: true });
    writeFileSync(`${CONFIGURATION}/10-test.conflist`, JSON.stringify(NETWORK));
  });
  afterEach(() => {
    rmSync(CONFIGURATION, { recursive: true });
    for (const [, name = ""] of ip("-o", "link", "show", "type", "bridge").matchAll(/^\d+: ([^:@]+)/gm))
      ip("link", "delete", name);
  });

  test("run --cni: interfaces and settings that come after Create", async () => {
    const script =
      "ip -4 -o address show eth0 | sed 's/^.*inet //; s/10.57.0.[0-9]*/OWN/; s/ *valid.*//'; " +
      "cd /proc/sys/net; cat core/somaxconn ipv4/tcp_keepalive_time ipv4/conf/eth0/arp_filter; " +
      "cd /sys/class/net/eth0; cat address mtu; ip route | sed 's/src .*/src/'; ping -c 1 -W 5 10.57.0.1 | grep -c ttl=";
    const { theirs, ours } = await both(async (runtime) =>
      visible(await lab.run(["sh", "-c", script], { runtime, flags: ["--cni"] })),
    );
    expect(theirs).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^OWN\/24 .*\n500\n77\n1\n02:57:00:00:00:07\n1400\n[\s\S]*\n1\n$/),
    });
    expect(ours).toEqual(theirs);
  });

  test.each([["--net-host"], ["--with-ns", "network:/proc/1/ns/net"]])(
    "run %s: the host's network is refused in one line, and stays as it is",
    async (...flags) => {
      const before = traces();
      const result = visible(await lab.run(["true"], { runtime: microvm, flags }));
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toMatch(/^ctr: .*the host's network cannot be given to a VM: choose a network.*\n$/);
      expect(traces()).toBe(before);
    },
  );
});
