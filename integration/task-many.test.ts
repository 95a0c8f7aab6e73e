/** What happens around many processes of one task: storms of execs, the order of events, limits that change. */
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { execSpec, SIGKILL, useTasks } from "./harness/created.ts";
import { until } from "./harness/deadline.ts";
import { useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { shimOf } from "./harness/proc.ts";
import type { Answer } from "./harness/tasks.ts";

const OK = 0;

describe("containerd 2.4", () => {
  const lab = useLab("2.4");
  const { call, code, status, created } = useTasks(lab);

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
