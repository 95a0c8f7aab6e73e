/** The Task API call by call, beside runc: states that no command line client can hold, refusals, storms. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { until } from "./harness/deadline.ts";
import { makeRootfs } from "./harness/image.ts";
import { useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { type Answer, Tasks } from "./harness/tasks.ts";

const [OK, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION] = [0, 5, 6, 9];
const SIGKILL = 9;

describe("containerd 2.4", () => {
  const lab = useLab("2.4");
  let tasks: Tasks;
  let rootfs = "";

  beforeAll(() => {
    tasks = new Tasks(lab.containerd.address);
    rootfs = join(lab.containerd.directory, "task-api-rootfs");
    mkdirSync(rootfs);
    makeRootfs(rootfs);
  });
  afterAll(() => {
    tasks.close();
    rmSync(rootfs, { recursive: true, force: true });
  });

  const call = (method: Parameters<Tasks["call"]>[0], id: string, more: object = {}) =>
    tasks.call(method, { container_id: id, ...more });
  const code = (method: Parameters<Tasks["call"]>[0], id: string, more: object = {}) =>
    tasks.code(method, { container_id: id, ...more });
  const status = async (id: string) => ((await call("Get", id)).process as Answer).status;
  const execSpec = (...args: string[]) => ({
    spec: {
      type_url: "types.containerd.io/opencontainers/runtime-spec/1/Process",
      value: Buffer.from(JSON.stringify({ args, cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } })),
    },
  });

  /** A task that is created and not started, without streams, for the steps; whatever is left of it goes afterwards. */
  async function created<T>(
    runtime: string,
    args: string[],
    steps: (id: string) => Promise<T>,
    flags: string[] = [],
  ): Promise<T> {
    const id = lab.freshId();
    const how = ["--rootfs", "--env", "PATH=/bin", "--runtime", runtime, ...flags];
    await lab.containerd.mustCtr(["container", "create", ...how, rootfs, id, ...args]);
    try {
      await call("Create", id);
      return await steps(id);
    } finally {
      await code("Kill", id, { signal: SIGKILL, all: true });
      await code("Wait", id);
      await code("Delete", id);
      await lab.containerd.mustCtr(["container", "rm", id]);
    }
  }

  test("a created task can be killed, which ends the wait for it", async () => {
    const { theirs, ours } = await both((runtime) =>
      created(runtime, ["sleep", "1000"], async (id) => {
        const before = await status(id);
        const waiting = call("Wait", id);
        const killed = await code("Kill", id, { signal: SIGKILL });
        const { exit_status } = await waiting;
        await until(10_000, "it is stopped", async () => ((await status(id)) === "STOPPED" ? true : undefined));
        return [
          before,
          killed,
          exit_status,
          await code("Start", id),
          await code("Delete", id),
          await code("Delete", id),
        ];
      }),
    );
    expect(theirs).toMatchObject(["CREATED", OK, 137, expect.any(Number), OK, NOT_FOUND]);
    expect(ours[3]).not.toBe(OK);
    expect(ours.toSpliced(3, 1)).toEqual(theirs.toSpliced(3, 1));
  });

  test("a created task can be deleted, and is gone", async () => {
    const { theirs, ours } = await both((runtime) =>
      created(runtime, ["sleep", "1000"], async (id) => [await code("Delete", id), await code("Get", id)]),
    );
    expect(theirs).toEqual([OK, NOT_FOUND]);
    expect(ours).toEqual(theirs);
  });

  test("what is refused, and with which code", async () => {
    const { theirs, ours } = await both((runtime) =>
      created(runtime, ["sleep", "1000"], async (id) => {
        const e1 = { exec_id: "e1" };
        await call("Start", id);
        const running = {
          startAgain: wrongState(await code("Start", id)),
          deleteRunning: wrongState(await code("Delete", id)),
          exec: await code("Exec", id, { ...e1, ...execSpec("sleep", "1000") }),
          execAgain: await code("Exec", id, { ...e1, ...execSpec("true") }),
          deleteUnknown: await code("DeleteProcess", id, { exec_id: "none" }),
          killUnknown: await code("Kill", id, { exec_id: "none", signal: SIGKILL }),
          resizeWithoutTerminal: await code("ResizePty", id, { width: 80, height: 24 }),
          closeStdin: [await code("CloseIO", id, { stdin: true }), await code("CloseIO", id, { stdin: true })],
          startExec: await code("Start", id, e1),
          deleteRunningExec: wrongState(await code("DeleteProcess", id, e1)),
          killExec: await code("Kill", id, { ...e1, signal: SIGKILL }),
          execStatus: (await call("Wait", id, e1)).exit_status,
          deleteExec: await code("DeleteProcess", id, e1),
          deleteExecAgain: await code("DeleteProcess", id, e1),
        };
        const waiting = call("Wait", id);
        await call("Kill", id, { signal: SIGKILL });
        const end = (await waiting).exit_status;
        return { ...running, end, killEnded: await code("Kill", id, { signal: SIGKILL }) };
      }),
    );
    expect(theirs).toMatchObject({
      startAgain: "wrong state",
      execAgain: ALREADY_EXISTS,
      killEnded: NOT_FOUND,
      end: 137,
      execStatus: 137,
    });
    expect(ours).toEqual(theirs);
  });

  test("an exec after the end is refused", async () => {
    await created(microvm, ["sleep", "1000"], async (id) => {
      await call("Start", id);
      const waiting = call("Wait", id);
      await call("Kill", id, { signal: SIGKILL });
      await waiting;
      expect(await code("Exec", id, { exec_id: "late", ...execSpec("true") })).toBe(FAILED_PRECONDITION);
    });
  });

  test.each([1, 2, 10, 15, 34, 48, 64])("signal %i ends a process that does not expect it", async (signal) => {
    const { theirs, ours } = await both((runtime) =>
      created(runtime, ["sleep", "1000"], async (id) => {
        await call("Start", id);
        const waiting = call("Wait", id);
        // The first process of a pid namespace gets no signal that it does not handle: an exec does.
        await call("Exec", id, { exec_id: "e", ...execSpec("sleep", "1000") });
        await call("Start", id, { exec_id: "e" });
        const exec = call("Wait", id, { exec_id: "e" });
        await call("Kill", id, { exec_id: "e", signal });
        const end = (await exec).exit_status;
        await call("Kill", id, { signal: SIGKILL });
        return [end, (await waiting).exit_status];
      }),
    );
    expect(theirs).toEqual([128 + signal, 137]);
    expect(ours).toEqual(theirs);
  });

  test("a hundred execs at once: each has its exit status, and no descriptor is left", async () => {
    await created(microvm, ["sleep", "1000"], async (id) => {
      await call("Start", id);
      const shim = shimOf(id);
      const storm = async (round: string) => {
        const ends = Array.from({ length: 100 }, async (_, n) => {
          const exec = { exec_id: `${round}${n}` };
          await call("Exec", id, { ...exec, ...execSpec("sh", "-c", `exit ${n}`) });
          const waiting = call("Wait", id, exec);
          await call("Start", id, exec);
          const { exit_status } = await waiting;
          await call("DeleteProcess", id, exec);
          return exit_status;
        });
        return Promise.all(ends);
      };
      const expected = Array.from({ length: 100 }, (_, n) => n);
      expect(await storm("a")).toEqual(expected);
      const descriptors = readdirSync(`/proc/${shim}/fd`).length;
      expect(await storm("b")).toEqual(expected);
      await until(10_000, "the descriptors are gone", () =>
        readdirSync(`/proc/${shim}/fd`).length <= descriptors ? true : undefined,
      );
      const { processes } = await call("ListPids", id);
      expect((processes as Answer[]).length).toBe(1);
    });
  });

  /** `ctr events`, known to listen. */
  async function watchEvents() {
    const events = lab.containerd.hold(["events"]);
    await until(10_000, "an event", async () => {
      await lab.containerd.mustCtr(["namespaces", "label", "default", `seen=${Date.now()}`]);
      return events.stdout.includes("/namespaces/update") ? true : undefined;
    });
    return events;
  }

  // Not beside runc: its shim tells nothing of it where the kernel's version 1 of cgroups has no notification.
  test("what takes too much memory is killed, which is told before its end; the rest lives on", async () => {
    const events = await watchEvents();
    const steps = async (id: string) => {
      await call("Start", id);
      const big = { exec_id: "big" };
      await call("Exec", id, { ...big, ...execSpec("dd", "if=/dev/zero", "of=/dev/null", "bs=256M", "count=1") });
      const waiting = call("Wait", id, big);
      await call("Start", id, big);
      expect((await waiting).exit_status).toBe(137);
      const told = () =>
        [...events.stdout.toString().matchAll(/\/tasks\/(oom|exit) (\{.*\})/g)].flatMap(([, topic, json = ""]) =>
          (JSON.parse(json) as { container_id: string }).container_id === id ? [topic] : [],
        );
      await until(10_000, "its end is told", () => (told().includes("exit") ? true : undefined));
      expect(told()).toEqual(["oom", "exit"]);
      expect(await status(id)).toBe("RUNNING");
    };
    await created(microvm, ["sleep", "1000"], steps, ["--memory-limit", `${64 << 20}`]);
    events.kill("SIGTERM");
    await events.done;
  });

  test("the exits of execs are told before that of the init", async () => {
    const events = await watchEvents();
    await created(microvm, ["sleep", "1000"], async (id) => {
      await call("Start", id);
      for (const n of [1, 2, 3]) {
        await call("Exec", id, { exec_id: `e${n}`, ...execSpec("sleep", "1000") });
        await call("Start", id, { exec_id: `e${n}` });
      }
      await call("Kill", id, { signal: SIGKILL });
      await call("Wait", id);
      const told = () =>
        [...events.stdout.toString().matchAll(/\/tasks\/exit (\{.*\})/g)]
          .map(([, json = ""]) => JSON.parse(json) as { container_id: string; id: string })
          .filter((event) => event.container_id === id)
          .map((event) => event.id);
      await until(10_000, "all exits are told", () => (told().length === 4 ? true : undefined));
      expect(told().at(-1)).toBe(id);
      expect(told().slice(0, 3).toSorted()).toEqual(["e1", "e2", "e3"]);
    });
    events.kill("SIGTERM");
    await events.done;
  });

  test("limits are updated, in the guest too; more memory than the VM has is refused", async () => {
    await created(microvm, ["sleep", "1000"], async (id) => {
      await call("Start", id);
      const update = (resources: object) =>
        code("Update", id, {
          resources: {
            type_url: "types.containerd.io/opencontainers/runtime-spec/1/LinuxResources",
            value: Buffer.from(JSON.stringify(resources)),
          },
        });
      expect(await update({ memory: { limit: 64 << 20 }, pids: { limit: 33 } })).toBe(OK);
      const { stdout } = await lab.containerd.mustCtr(["task", "metrics", id]);
      expect(stdout.toString()).toMatch(/pids\.limit\s+33\b/);
      expect(stdout.toString()).toMatch(new RegExp(`memory\\.limit_in_bytes\\s+${64 << 20}\\b`));
      expect(await update({ memory: { limit: 2 ** 40 } })).not.toBe(OK);
      expect(await status(id)).toBe("RUNNING");
    });
  });
});

/** For a wrong state runc's shim has no code but Unknown. */
function wrongState(code: number): string | number {
  return code === 2 || code === FAILED_PRECONDITION ? "wrong state" : code;
}

function shimOf(id: string): number {
  const pid = readdirSync("/proc").find((entry) => {
    try {
      // Its environment is gone; its state directory is what it works in.
      return (
        /containerd-shim-microvm-v2\0daemon/.test(readFileSync(`/proc/${entry}/cmdline`, "latin1")) &&
        readFileSync(`/run/microvm/default/${id}/state.json`, "utf8").includes(`"pid":${entry},`)
      );
    } catch {
      return false;
    }
  });
  if (pid === undefined) throw new Error(`no shim of ${id}`);
  return Number(pid);
}
