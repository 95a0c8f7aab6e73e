/** Connections that processes of the host make within a container's network namespace, as `kubectl port-forward` does. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { run } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, visible } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { addNamespace, Bridge, buildPeer, ip, PEER } from "./network/topology.ts";

const WITH_INTERFACE = "mvloop";
const EMPTY = "mvempty";
/** Ports of servers on 127.0.0.1, on all addresses and on ::1, and one that nobody listens on. */
const [LOCAL, ALL, LOCAL6, CLOSED] = [700, 701, 702, 703];

/** In the container: `ready` is said when all three listen. */
const SERVERS = `peer serve ${LOCAL} 127.0.0.1 & peer serve ${LOCAL6} ::1 & exec peer serve ${ALL}`;

describe("connections within the namespace", () => {
  const lab = useLab("2.4");
  let peers: string;
  let bridge: Bridge;
  beforeAll(() => {
    peers = buildPeer(lab.containerd.directory);
    bridge = new Bridge(77);
    bridge.namespace(WITH_INTERFACE, 2);
    addNamespace(EMPTY);
  });
  afterAll(() => {
    ip("netns", "delete", EMPTY);
    bridge.close();
  });

  /** The script's outcome on the host, within the namespace of a container under each runtime: the same. */
  async function compared(namespace: string | undefined, script: string): Promise<string> {
    const { theirs, ours } = await both((runtime) => inside(runtime, namespace, script));
    expect(ours).toEqual(theirs);
    return ours.stdout;
  }

  async function inside(runtime: string, namespace: string | undefined, script: string) {
    const container = await serving(runtime, namespace);
    const result = await container.inside(script);
    await container.stop();
    return result;
  }

  /** A container with the servers; `inside` runs a script on the host within its namespace. */
  async function serving(runtime: string, namespace: string | undefined) {
    const id = lab.freshId();
    const mount = ["--mount", `type=bind,src=${peers},dst=${PEER},options=rbind:ro`];
    const network = namespace === undefined ? [] : ["--with-ns", `network:/run/netns/${namespace}`];
    const args = ["--runtime", runtime, ...mount, ...network, IMAGE, id, "sh", "-c", `PATH=/bin:${PEER}; ${SERVERS}`];
    const client = lab.containerd.hold(["run", "--rm", ...args]);
    await client.printed("ready\nready\nready\n");
    const tasks = (await lab.containerd.mustCtr(["task", "list"])).stdout.toString();
    const pid = new RegExp(`^${id}\\s+(\\d+)`, "m").exec(tasks)?.[1];
    const env = { PATH: `${peers}:/usr/sbin:/usr/bin:/sbin:/bin` };
    return {
      id,
      inside: async (script: string) =>
        visible(await run(["nsenter", `--net=/proc/${pid}/ns/net`, "busybox", "sh", "-c", script], { env })),
      stop: async () => {
        await lab.containerd.ctr(["task", "kill", "-s", "SIGKILL", id]);
        await client.done;
      },
    };
  }

  test("to loopback reach whoever listens there or on all addresses, and nobody else", async () => {
    const ask = (address: string, port: number) => `peer ask ${address} ${port} 70000`;
    const places = ["127.0.0.1", "::1", "127.0.0.2"].flatMap((address) =>
      [LOCAL, ALL, LOCAL6, CLOSED].map((port) => ask(address, port)),
    );
    const refused = "connect: Connection refused";
    const expected = [
      ...["127.0.0.1 70000", "127.0.0.1 70000", refused, refused],
      ...[refused, "::1 70000", "::1 70000", refused],
      ...[refused, "127.0.0.1 70000", refused, refused],
    ];
    for (const namespace of [undefined, EMPTY, WITH_INTERFACE])
      expect((await compared(namespace, places.join("; "))).trim().split("\n"), namespace).toEqual(expected);
  });

  test("to an address of an interface, too; the server sees that address", async () => {
    const ask = (family: 4 | 6, port: number) => `peer ask ${bridge.address(2, family)} ${port} 70000`;
    const script = [ask(4, ALL), ask(6, ALL), ask(4, LOCAL), ask(4, CLOSED), ask(6, CLOSED)].join("; ");
    expect((await compared(WITH_INTERFACE, script)).trim().split("\n")).toEqual([
      `${bridge.address(2)} 70000`,
      `${bridge.address(2, 6)} 70000`,
      ...Array(3).fill("connect: Connection refused"),
    ]);
  });

  test("500 at once, and 20 MB through one", async () => {
    const script = `peer ask 127.0.0.1 ${LOCAL} 3000 500; peer ask ::1 ${LOCAL6} 30000 50; peer ask 127.0.0.1 ${LOCAL} 20000000`;
    expect(await compared(WITH_INTERFACE, script)).toBe("127.0.0.1 3000\n::1 30000\n127.0.0.1 20000000\n");
  });

  test("wait while the container is paused, and go on when it does", async () => {
    const told = await both(async (runtime) => {
      const container = await serving(runtime, EMPTY);
      await lab.containerd.mustCtr(["task", "pause", container.id]);
      const answer = container.inside(`peer ask 127.0.0.1 ${LOCAL} 70000`);
      // The kernel takes a connection for a server that stands still.
      const first = await Promise.race([answer, sleep(1_000).then(() => "waits")]);
      await lab.containerd.mustCtr(["task", "resume", container.id]);
      const last = await answer;
      await container.stop();
      return { first, last };
    });
    expect(told.ours).toEqual(told.theirs);
    expect(told.ours).toMatchObject({ first: "waits", last: { stdout: "127.0.0.1 70000\n" } });
  });

  test("are refused when what joins them was killed, and the container goes on", async () => {
    const container = await serving(microvm, WITH_INTERFACE);
    process.kill(joining(), "SIGKILL");
    const ask = `peer ask 127.0.0.1 ${LOCAL} 70000`;
    await until(5_000, "it is refused", async () =>
      (await container.inside(ask)).stdout.includes("refused") ? true : undefined,
    );
    await until(5_000, "it is said in the log", () =>
      lab.containerd.logText.includes("do not reach it: microvm-loopback ended with SIGKILL") ? true : undefined,
    );
    const exec = ["task", "exec", "--exec-id", lab.freshId(), container.id, `${PEER}/${ask.split(" ")[0]}`];
    const own = visible(await lab.containerd.ctr([...exec, ...ask.split(" ").slice(1)]));
    expect(own).toEqual({ code: 0, stdout: "127.0.0.1 70000\n", stderr: "" });
    await container.stop();
  });
});

/** The pid of microvm-loopback. */
function joining(): number {
  const found = readdirSync("/proc").filter((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/comm`, "utf8") === "microvm-loopbac\n";
    } catch {
      return false;
    }
  });
  expect(found).toHaveLength(1);
  return Number(found[0]);
}
