/** The Task API call by call, beside runc: states that no command line client can hold, refusals, signals. */
import { describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { execSpec, SIGKILL, useTasks } from "./harness/created.ts";
import { until } from "./harness/deadline.ts";
import { useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";

const [OK, NOT_FOUND, ALREADY_EXISTS, FAILED_PRECONDITION] = [0, 5, 6, 9];

describe("containerd 2.4", () => {
  const lab = useLab("2.4");
  const { call, code, status, created } = useTasks(lab);

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
});

/** For a wrong state runc's shim has no code but Unknown. */
function wrongState(code: number): string | number {
  return code === 2 || code === FAILED_PRECONDITION ? "wrong state" : code;
}
