/** A network namespace that outlives its container is as it was before, however the VM ended. */
import { execFileSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Command } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, VERSIONS, visible } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { pidsOf } from "./harness/proc.ts";
import { removeFifos } from "./harness/remains.ts";
import { Bridge, traces } from "./network/topology.ts";

const NAMESPACE = "mvtrace";
const flags = ["--with-ns", `network:/run/netns/${NAMESPACE}`];

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);
  let bridge: Bridge;
  let before: string;

  beforeEach(() => {
    bridge = new Bridge(77);
    bridge.namespace(NAMESPACE, 2);
    before = traces(NAMESPACE);
  });
  afterEach(() => bridge.close());

  /** The namespace answers by itself again, and nothing in it tells of a VM. */
  async function expectAsBefore(): Promise<void> {
    await until(
      10_000,
      () => `the namespace is as it was, but:\n${traces(NAMESPACE)}`,
      () => (traces(NAMESPACE) === before ? true : undefined),
    );
    execFileSync("busybox", ["ping", "-c", "1", "-W", "5", bridge.address(2)], { stdio: "ignore" });
  }

  /** A container that runs, with its interfaces coupled. */
  async function running(): Promise<{ id: string; client: Command }> {
    const id = lab.freshId();
    const args = ["run", "--runtime", microvm, ...flags, IMAGE, id, "sh", "-c", "echo ready; exec sleep 1000"];
    const client = lab.containerd.hold(args);
    await client.printed("ready");
    expect(traces(NAMESPACE)).toMatch(/microvm0[\s\S]*ingress/);
    return { id, client };
  }

  async function removed(id: string, client: Command): Promise<void> {
    await client.done;
    await lab.containerd.ctr(["task", "rm", "-f", id]);
    await lab.containerd.ctr(["container", "rm", id]);
    // ctr leaves its fifos where the shim died.
    removeFifos();
  }

  test("after a container has ended", async () => {
    const result = visible(await lab.run(["sh", "-c", "ip -4 -o address show eth0 | grep -c 10.77.0.2"], { flags }));
    expect(result).toEqual({ code: 0, stdout: "1\n", stderr: "" });
    await expectAsBefore();
  });

  test("after a container that could not start", async () => {
    const result = visible(await lab.run(["/nosuch"], { flags }));
    expect(result.code).toBe(1);
    await expectAsBefore();
  });

  test.each([
    ["the shim", "containerd-shim"],
    ["QEMU", "qemu-system"],
  ])("after %s was killed", async (_, program) => {
    const { id, client } = await running();
    for (const pid of processes(program)) process.kill(pid, "SIGKILL");
    await removed(id, client);
    await expectAsBefore();
  });
});

/** Of the tests' world: their pids are those of this process's /proc. */
function processes(program: string): number[] {
  const found = pidsOf(new RegExp(`^[^\\0]*/${program}`));
  expect(found).not.toEqual([]);
  return found;
}
