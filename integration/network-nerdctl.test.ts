/** nerdctl's networks by CNI: bridges, published ports, names and addresses, each command beside runc. */
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { run } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, visible } from "./harness/lab.ts";
import { Nerdctl } from "./harness/nerdctl.ts";
import { runtime as underTest } from "./harness/paths.ts";
import { removeFifos } from "./harness/remains.ts";
import { PORT } from "./network/endpoints.ts";
import { buildPeer, ip, PEER } from "./network/topology.ts";

const SUBNET = "10.56.0";

describe("nerdctl", () => {
  const lab = useLab("2.4");
  let peers: string;

  beforeAll(() => {
    peers = buildPeer(lab.containerd.directory);
  });
  afterEach(() => {
    // CNI's bridges stay for the next container, and nerdctl's fifos under any runtime.
    for (const [, name = ""] of ip("-o", "link", "show", "type", "bridge").matchAll(/^\d+: ([^:@]+)/gm))
      ip("link", "delete", name);
    removeFifos();
  });

  /** `nerdctl run` of the image with the program `peer`. */
  const runArgs = (runtime: string, flags: readonly string[], args: readonly string[]) => {
    const always = ["--runtime", runtime, "--pull", "never", "-v", `${peers}:${PEER}:ro`, "-e", `PATH=/bin:${PEER}`];
    return ["run", ...always, ...flags, IMAGE, ...args];
  };

  const peer = async (...args: readonly string[]) => visible(await run([`${peers}/peer`, ...args])).stdout;

  test("the default bridge: address, names and resolver as asked for", async () => {
    const script =
      "ip -4 -o address show eth0 | awk '{ print $4 }'; cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu; " +
      "ip route; hostname; cat /etc/hostname /etc/hosts; cat /etc/resolv.conf; ping -c 1 -W 5 10.4.0.1 | grep -c ttl=";
    const flags = ["--rm", "--name", "asked", "--hostname", "box", "--ip", "10.4.0.77"];
    flags.push("--mac-address", "02:56:00:00:00:07", "--add-host", "db:10.1.2.3");
    flags.push("--dns", "10.9.9.9", "--dns-search", "example.test", "--dns-option", "ndots:3");
    const { theirs, ours } = await both(async (runtime) =>
      visible(await new Nerdctl(lab.containerd, runtime).run(runArgs(runtime, flags, ["sh", "-c", script]))),
    );
    expect(theirs.stdout).toMatch(/^10\.4\.0\.77\/24\n02:56:00:00:00:07\n1500\n[\s\S]*10\.1\.2\.3\s+db[\s\S]*\n1\n$/);
    expect(ours).toEqual(theirs);
  });

  test("a network of its own: names, published ports, stop, start, restart", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const nerdctl = new Nerdctl(lab.containerd, runtime);
      const told: Record<string, unknown> = {};
      await nerdctl.must(["network", "create", "--subnet", `${SUBNET}.0/24`, "own"]);
      try {
        const published = ["-p", `127.0.0.1:8080:${PORT}`, "-p", `8081:${PORT}`, "-p", `8081:${PORT}/udp`];
        const server = ["-d", "--name", "srv", "--net", "own", "--ip", `${SUBNET}.10`, ...published];
        await nerdctl.must(runArgs(runtime, server, ["peer", "serve", `${PORT}`]));
        const ask = async () => {
          await until(20_000, "the server listens", async () =>
            (await peer("ask", `${SUBNET}.10`, `${PORT}`, "0")).includes("refused") ? undefined : true,
          );
          return answers();
        };
        const answers = async () => [
          await peer("ask", "127.0.0.1", "8080", "100000"),
          await peer("ask", `${SUBNET}.1`, "8081", "100000"),
          await peer("ask-udp", `${SUBNET}.1`, "8081", "1000"),
          await peer("ask", `${SUBNET}.10`, `${PORT}`, "100000"),
        ];
        told.first = await ask();
        const find = "srv=$(awk '/ srv|\\tsrv/ { print $1; exit }' /etc/hosts)";
        const client = `${find}; echo $srv; peer ask $srv ${PORT} 100000; peer ask ${SUBNET}.1 8081 1000`;
        const beside = ["--rm", "--name", "cli", "--net", "own", "--ip", `${SUBNET}.11`];
        told.beside = visible(await nerdctl.run(runArgs(runtime, beside, ["sh", "-c", client])));
        told.port = visible(await nerdctl.run(["port", "srv"]));
        told.inspected = visible(
          await nerdctl.run(["inspect", "-f", "{{.NetworkSettings.IPAddress}} {{.NetworkSettings.MacAddress}}", "srv"]),
        ).stdout.replace(/ [0-9a-f:]{17}/, " MAC");
        await nerdctl.must(["stop", "-t", "1", "srv"]);
        told.stopped = (await peer("ask", "127.0.0.1", "8080", "10")).split(":")[0];
        await nerdctl.must(["start", "srv"]);
        told.started = await ask();
        await nerdctl.must(["restart", "-t", "1", "srv"]);
        told.restarted = await ask();
      } finally {
        await nerdctl.run(["rm", "-f", "srv"]);
        await nerdctl.must(["network", "rm", "own"]);
      }
      return told;
    });
    expect(theirs.first).toHaveLength(4);
    expect(theirs.first).not.toContainEqual(expect.stringMatching(/refused|timed out/));
    expect(theirs.stopped).toBe("connect");
    expect(theirs.beside).toMatchObject({ code: 0, stdout: expect.stringContaining(`${SUBNET}.11 100000\n`) });
    expect(ours).toEqual(theirs);
  });

  test("stats count what the container has received and sent", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const nerdctl = new Nerdctl(lab.containerd, runtime);
      await nerdctl.must(runArgs(runtime, ["-d", "--name", "srv", "--ip", "10.4.0.50"], ["peer", "serve", `${PORT}`]));
      try {
        await until(20_000, "the server listens", async () =>
          (await peer("ask", "10.4.0.50", `${PORT}`, "0")).includes("refused") ? undefined : true,
        );
        await peer("ask", "10.4.0.50", `${PORT}`, "8000000");
        const { stdout } = await nerdctl.must(["stats", "--no-stream", "--format", "{{.NetIO}}", "srv"]);
        return byteCounts(stdout.toString());
      } finally {
        await nerdctl.must(["rm", "-f", "srv"]);
      }
    });
    const [received = 0, sent = 0] = theirs;
    expect(received).toBeGreaterThan(8_000_000);
    // How the receiver acknowledges is its own affair.
    expect(sent).toBeLessThan(1_000_000);
    expect(ours[0]).toBeGreaterThan(received * 0.98);
    expect(ours[0]).toBeLessThan(received * 1.02);
    expect(ours[1]).toBeLessThan(1_000_000);
    expect(ours[1]).toBeGreaterThan(0);
  });

  test("none has loopback only", async () => {
    const { theirs, ours } = await both(async (runtime) =>
      visible(
        await new Nerdctl(lab.containerd, runtime).run(
          runArgs(
            runtime,
            ["--rm", "--net", "none"],
            ["sh", "-c", "ls /sys/class/net; ping -c 1 127.0.0.1 | grep -c ttl="],
          ),
        ),
      ),
    );
    expect(theirs.stdout).toBe("lo\n1\n");
    expect(ours).toEqual(theirs);
  });

  test("the host's network and another container's are refused in one line", async () => {
    const nerdctl = new Nerdctl(lab.containerd, underTest);
    await nerdctl.must(runArgs(underTest, ["-d", "--name", "one"], ["sleep", "1000"]));
    try {
      const host = visible(await nerdctl.run(runArgs(underTest, ["--rm", "--net", "host"], ["true"])));
      expect(host).toMatchObject({ code: 1, stdout: "" });
      expect(host.stderr).toMatch(/the host's network cannot be given to a VM: choose a network/);
      const other = visible(await nerdctl.run(runArgs(underTest, ["--rm", "--net", "container:one"], ["true"])));
      expect(other).toMatchObject({ code: 1, stdout: "" });
      expect(other.stderr).toMatch(/the network namespace has another VM/);
      for (const { stderr } of [host, other]) expect(stderr.trim().split("\n")).toHaveLength(1);
    } finally {
      await nerdctl.run(["rm", "-f", "one"]);
    }
  });
});

/** "8.27MB / 12.3kB", as clients print it. */
function byteCounts(text: string): number[] {
  const units: Record<string, number> = { B: 1, kB: 1e3, MB: 1e6, GB: 1e9 };
  return [...text.matchAll(/([\d.]+)([kMG]?B)/g)].map(
    ([, count, unit = ""]) => Number(count) * (units[unit] ?? Number.NaN),
  );
}
