/** Tasks that live longer: signals, events, restarts of containerd, and the sudden death of any part. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { type Lab, useLab, VERSIONS } from "./harness/lab.ts";
import { runtime } from "./harness/paths.ts";
import { pidsOf } from "./harness/proc.ts";
import { removeFifos } from "./harness/remains.ts";

const TRAP = "trap 'exit 143' TERM; echo ready; while :; do sleep 0.1; done";

/** A container that prints "ready" and ends with 143 on SIGTERM, with the client attached. */
async function startReady(lab: Lab) {
  const id = lab.freshId();
  const client = lab.containerd.hold(["run", "--rm", "--runtime", runtime, IMAGE, id, "sh", "-c", TRAP]);
  await client.printed("ready");
  return { id, client };
}

async function status(lab: Lab, id: string): Promise<string | undefined> {
  const { stdout } = await lab.containerd.mustCtr(["task", "ls"]);
  return new RegExp(`^${id}\\s+\\d+\\s+(\\w+)`, "m").exec(stdout.toString())?.[1];
}

function pidOf(name: RegExp): number {
  const [pid] = pidsOf(name);
  if (pid === undefined) throw new Error(`no process ${name}`);
  return pid;
}

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);

  test.each([
    ["SIGTERM", 143],
    ["SIGKILL", 137],
  ])("%s ends a task with %i", async (signal, code) => {
    const { id, client } = await startReady(lab);
    await lab.containerd.mustCtr(["task", "kill", "-s", signal, id]);
    expect((await client.done).code).toBe(code);
  });

  test("a second signal after the end is not found", async () => {
    const id = lab.freshId();
    await lab.containerd.mustCtr(["run", "-d", "--runtime", runtime, IMAGE, id, "true"]);
    await until(10_000, "the task stops", async () => ((await status(lab, id)) === "STOPPED" ? true : undefined));
    const { code, stderr } = await lab.containerd.ctr(["task", "kill", id]);
    expect({ code, stderr: stderr.toString() }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("process already finished"),
    });
    await lab.containerd.mustCtr(["task", "rm", id]);
    await lab.containerd.mustCtr(["container", "rm", id]);
  });

  test("a checkpoint is refused as not supported, and harms nothing", async () => {
    const { id, client } = await startReady(lab);
    const { code, stderr } = await lab.containerd.ctr(["task", "checkpoint", id]);
    expect(code).toBe(1);
    expect(stderr.toString()).toContain("checkpoint is not supported by this runtime");
    await lab.containerd.mustCtr(["task", "kill", id]);
    expect((await client.done).code).toBe(143);
  });

  test("create, start, exit and delete are told in this order, once each", async () => {
    const events = lab.containerd.hold(["events"]);
    // The stream has no sign of its beginning but its first event.
    await until(10_000, "an event", async () => {
      await lab.containerd.mustCtr(["image", "label", IMAGE, `seen=${Date.now()}`]);
      return events.stdout.includes("/images/update") ? true : undefined;
    });
    const { code } = await lab.run(["sh", "-c", "exit 3"]);
    expect(code).toBe(3);
    await events.printed("/tasks/delete");
    events.kill("SIGTERM");
    await events.done;
    const topics = [...events.stdout.toString().matchAll(/ (\/tasks\/\w+) /g)].map(([, topic]) => topic);
    expect(topics).toEqual(["/tasks/create", "/tasks/start", "/tasks/exit", "/tasks/delete"]);
  });

  test.each(["SIGTERM", "SIGKILL"] as const)("a container outlives containerd's %s", async (signal) => {
    const id = lab.freshId();
    await lab.containerd.mustCtr([
      "run",
      "-d",
      "--runtime",
      runtime,
      IMAGE,
      id,
      "sh",
      "-c",
      "while :; do sleep 0.1; done",
    ]);
    await lab.containerd.restart(signal);
    expect(await status(lab, id)).toBe("RUNNING");
    await lab.containerd.mustCtr(["task", "kill", "-s", "SIGKILL", id]);
    await until(10_000, "the task stops", async () => ((await status(lab, id)) === "STOPPED" ? true : undefined));
    await lab.containerd.mustCtr(["task", "rm", id]);
    await lab.containerd.mustCtr(["container", "rm", id]);
  });

  // Each brings a root file system of its own, whose pages go where those of the last one were.
  test("six containers, one after the other in one VM", async () => {
    const pod = lab.freshId();
    const flags = ["--annotation", `io.containerd.runc.v2.group=${pod}`];
    const first = lab.containerd.hold(["run", "--rm", "--runtime", runtime, ...flags, IMAGE, pod, "sh", "-c", TRAP]);
    await first.printed("ready");
    for (let n = 1; n < 6; n++) {
      const { code, stdout } = await lab.run(["sh", "-c", `echo ${n}; exit ${n}`], { flags });
      expect([code, stdout.toString()]).toEqual([n, `${n}\n`]);
    }
    await lab.containerd.mustCtr(["task", "kill", pod]);
    expect((await first.done).code).toBe(143);
  });

  test.each([
    ["QEMU", /qemu-system/],
    ["virtiofsd", /virtiofsd/],
    ["the shim", /containerd-shim-microvm-v2\0daemon/],
  ])("the sudden death of %s ends the task as killed", async (_, name) => {
    const { client } = await startReady(lab);
    process.kill(pidOf(name), "SIGKILL");
    expect((await client.done).code).not.toBe(0);
    await until(10_000, "nothing of the VM runs", () => {
      const list = execFileSync("ps", ["-eo", "stat,args"], { encoding: "utf8" });
      return /^[^Z].*(qemu-system|virtiofsd)/m.test(list) ? undefined : true;
    });
    // A client that lost its task leaves the container, and the fifos that it made.
    await lab.containerd.removeAll();
    removeFifos();
  });
});
