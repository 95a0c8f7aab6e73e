/** Docker with the shim's name for a runtime, each command beside runc. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { run } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { Docker } from "./harness/docker.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, visible } from "./harness/lab.ts";
import { runtime as underTest } from "./harness/paths.ts";
import { removeFifos } from "./harness/remains.ts";
import { PORT } from "./network/endpoints.ts";
import { buildPeer, ip, PEER } from "./network/topology.ts";

const PROMPT = "ready> ";
const SHELL = `while printf '${PROMPT}'; read -r line; do eval "$line"; done; exit 9`;

describe("docker", () => {
  const lab = useLab("2.4");
  let docker: Docker;
  let peers: string;

  beforeAll(async () => {
    docker = await Docker.start(lab.containerd);
    await docker.must(["load", "-i", join(lab.containerd.directory, "image.tar")]);
    peers = buildPeer(lab.containerd.directory);
  });
  afterEach(({ task }) => {
    if (task.result?.state === "fail") process.stderr.write(docker.logText.slice(-4000));
    docker.forgetHost();
    removeFifos();
  });
  afterAll(async () => {
    await docker?.stop();
    ip("link", "delete", "docker0");
  });

  const runArgs = (runtime: string, flags: readonly string[], args: readonly string[]) => {
    const volume = ["-v", `${peers}:${PEER}:ro`, "-e", `PATH=/bin:${PEER}`];
    return ["run", "--runtime", runtime, "--pull", "never", ...volume, ...flags, IMAGE, ...args];
  };
  const text = async (args: readonly string[]) => visible(await docker.run(args));
  const ask = async (...args: readonly string[]) => visible(await run([`${peers}/peer`, ...args])).stdout;

  test("run --rm: output, streams, exit status; a volume works both ways", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const volume = join(lab.containerd.directory, "volume");
      rmSync(volume, { recursive: true, force: true });
      await docker.must(["volume", "create", "named"]);
      const script = "echo out; echo err >&2; cp /f/passwd /named/copy; cat /named/copy | wc -l; exit 42";
      writeFileSync(volume, "one\ntwo\n");
      const flags = ["--rm", "-v", `${volume}:/f/passwd:ro`, "-v", "named:/named"];
      const result = visible(await docker.run(runArgs(runtime, flags, ["sh", "-c", script])));
      const { stdout } = await docker.must(["volume", "inspect", "-f", "{{.Mountpoint}}", "named"]);
      const copied = existsSync(join(stdout.toString().trim(), "copy"));
      await docker.must(["volume", "rm", "named"]);
      return { result, copied, left: (await text(["ps", "-aq"])).stdout };
    });
    expect(theirs).toMatchObject({ result: { code: 42, stdout: "out\n2\n" }, copied: true, left: "" });
    expect(ours).toEqual(theirs);
  });

  test("run -it: a shell in a terminal", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const terminal = docker.terminal(runArgs(runtime, ["--rm", "-it"], ["sh", "-c", SHELL]));
      await terminal.prints(PROMPT);
      terminal.type("tty; until [ \"$(stty size)\" = '40 100' ]; do sleep 0.05; done; echo $((20+2))\r");
      const seen = await terminal.prints(PROMPT);
      terminal.type("until [ \"$(stty size)\" = '17 71' ]; do sleep 0.05; done; echo $((1+1))\r");
      const resized = await terminal.resize({ columns: 71, rows: 17 }, PROMPT);
      // Said by the program that the key is to end: before it is there the shell would get it.
      terminal.type("sh -c 'echo go\"\"ing; exec sleep 1000'\r");
      await terminal.prints("\ngoing");
      terminal.type("\x03");
      terminal.type("\x04");
      return { seen, resized, code: await terminal.end() };
    });
    expect(theirs.resized).toContain("\r\n2\r\n");
    expect(ours).toEqual(theirs);
  });

  test("run -d: ports, names, health, exec, logs, top, stats, stop, start, rm", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const told: Record<string, unknown> = {};
      const published = ["-p", `127.0.0.1:8090:${PORT}`, "-p", `8091:${PORT}/udp`];
      const health = ["--health-cmd", `peer ask 127.0.0.1 ${PORT} 10`, "--health-interval", "1s"];
      const flags = ["-d", "--name", "srv", "--hostname", "box", "--add-host", "db:10.1.2.3", "--dns", "10.9.9.9"];
      await docker.must(runArgs(runtime, [...flags, ...published, ...health], ["peer", "serve", `${PORT}`]));
      try {
        const state = async (format: string) => (await text(["inspect", "-f", format, "srv"])).stdout.trim();
        const healthy = () =>
          until(30_000, "the container is healthy", async () =>
            (await state("{{.State.Health.Status}}")) === "healthy" ? true : undefined,
          );
        await healthy();
        const address = await state("{{.NetworkSettings.Networks.bridge.IPAddress}}");
        const mac = await state("{{.NetworkSettings.Networks.bridge.MacAddress}}");
        const asks = async () => [
          await ask("ask", "127.0.0.1", "8090", "100000"),
          await ask("ask-udp", "172.17.0.1", "8091", "1000"),
          await ask("ask", address, `${PORT}`, "100000"),
        ];
        told.asked = await asks();
        const script =
          "hostname; cat /etc/hosts; grep -v '^#' /etc/resolv.conf; ip -4 -o address show eth0 | awk '{ print $4 }'; " +
          "cat /sys/class/net/eth0/address; ip route; ls /sys/class/net; exit 5";
        const exec = await text(["exec", "srv", "sh", "-c", script]);
        told.exec = { ...exec, stdout: exec.stdout.replaceAll(mac, "MAC").replaceAll(address, "ADDRESS") };
        const terminal = docker.terminal(["exec", "-it", "srv", "sh", "-c", SHELL]);
        await terminal.prints(PROMPT);
        terminal.type("exit 6\r");
        told.terminal = await terminal.end();
        told.top = (await text(["top", "srv", "-o", "comm,args"])).stdout;
        const stats = (
          await text(["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.NetIO}} {{.PIDs}}", "srv"])
        ).stdout;
        told.stats = stats.replaceAll(/[1-9][\d.]*[kKMG]?i?B/g, "SIZE");
        told.port = (await text(["port", "srv"])).stdout;
        told.logged = (await text(["logs", "srv"])).stdout.split("\n")[0];
        const stop = await text(["stop", "-t", "1", "srv"]);
        told.stopped = [
          stop,
          await state("{{.State.Status}} {{.State.ExitCode}}"),
          await ask("ask", "127.0.0.1", "8090", "10"),
        ];
        await docker.must(["start", "srv"]);
        await healthy();
        told.again = await asks();
      } finally {
        await docker.must(["rm", "-f", "srv"]);
      }
      return { ...told, left: (await text(["ps", "-aq"])).stdout };
    });
    expect(theirs).toMatchObject({
      asked: ["172.17.0.1 100000\n", "172.17.0.1 1000\n", "172.17.0.1 100000\n"],
      terminal: 6,
      left: "",
    });
    expect(ours).toEqual(theirs);
  });

  test("the host's network and another container's are refused in one line", async () => {
    const host = visible(await docker.run(runArgs(underTest, ["--rm", "--net", "host"], ["true"])));
    expect(host.code).not.toBe(0);
    expect(host.stderr).toMatch(/the host's network cannot be given to a VM: choose a network/);
    await docker.must(runArgs(underTest, ["-d", "--name", "one"], ["sleep", "1000"]));
    try {
      const other = visible(await docker.run(runArgs(underTest, ["--rm", "--net", "container:one"], ["true"])));
      expect(other.code).not.toBe(0);
      expect(other.stderr).toMatch(/the network namespace has another VM/);
    } finally {
      await docker.run(["rm", "-f", "one"]);
    }
  });
});
