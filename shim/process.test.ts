import { expect, test, vi } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import type { StandIn } from "../vmm/stand-in.ts";
import { Process, type ProcessOptions } from "./process.ts";
import type { Stdio } from "./stdio.ts";

function make(options: Partial<ProcessOptions> = {}) {
  const onExit = vi.fn();
  const process = new Process({
    containerId: "c",
    execId: "",
    stdioPaths: { stdin: "", stdout: "", stderr: "", terminal: false },
    spec: new Uint8Array(),
    beforeStopped: () => Promise.resolve(),
    onExit,
    ...options,
  });
  return { process, onExit };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("goes from created to running to stopped, and tells its end once", async () => {
  const { process, onExit } = make();
  const announce = vi.fn();
  await process.start(async () => {}, announce);
  expect(announce).toHaveBeenCalledTimes(1);
  expect(process.state.name).toBe("running");
  process.ended(3);
  process.ended(137);
  expect((await process.exited).status).toBe(3);
  expect(process.state).toMatchObject({ name: "stopped", exit: { status: 3 } });
  expect(onExit).toHaveBeenCalledTimes(1);
});

test("an end that comes while it is being started is told after the start", async () => {
  const { process, onExit } = make();
  const run = Promise.withResolvers<void>();
  const announce = vi.fn(() => expect(onExit).not.toHaveBeenCalled());
  const starting = process.start(() => run.promise, announce);
  process.ended(0);
  await settled();
  expect(onExit).not.toHaveBeenCalled();
  run.resolve();
  await starting;
  await process.exited;
  expect(announce).toHaveBeenCalledTimes(1);
  expect(onExit).toHaveBeenCalledTimes(1);
});

test("a start that fails leaves it created, to be started again", async () => {
  const { process } = make();
  await expect(process.start(() => Promise.reject(new Error("no such program")), vi.fn())).rejects.toThrow("no such");
  expect(process.state.name).toBe("created");
  await process.start(async () => {}, vi.fn());
  expect(process.state.name).toBe("running");
});

test("two starts at once are one too many", async () => {
  const { process } = make();
  const run = Promise.withResolvers<void>();
  const first = process.start(() => run.promise, vi.fn());
  await expect(process.start(async () => {}, vi.fn())).rejects.toMatchObject({ code: Code.FailedPrecondition });
  run.resolve();
  await first;
});

test("is stopped only when its output is complete and what comes first is told", async () => {
  const first = Promise.withResolvers<void>();
  const drained = Promise.withResolvers<void>();
  const { process, onExit } = make({ beforeStopped: () => first.promise });
  process.own({ drain: () => drained.promise } as unknown as Stdio);
  process.ended(0);
  drained.resolve();
  await settled();
  expect(process.state.name).toBe("created");
  first.resolve();
  await process.exited;
  expect(onExit).toHaveBeenCalledTimes(1);
});

test("what stands for it on the host is gone before its end is told", async () => {
  const gone = Promise.withResolvers<void>();
  const { process, onExit } = make();
  process.standIn = { pid: 5, end: () => gone.promise } as unknown as StandIn;
  process.ended(0);
  await settled();
  expect(onExit).not.toHaveBeenCalled();
  gone.resolve();
  await process.exited;
  expect(onExit).toHaveBeenCalledTimes(1);
});
