import { expect, test } from "vitest";
import { Standstill } from "./standstill.ts";

/** A VM that writes down what is done to it. */
function recorded() {
  const log: string[] = [];
  const qmp = { execute: async (command: string) => void log.push(command) };
  const client = { call: async (method: { name: string }) => void log.push(method.name) };
  return { log, standstill: new Standstill(qmp, client as never) };
}

test("stops once, goes on once, and sets the clock before it answers", async () => {
  const { log, standstill } = recorded();
  await standstill.stop();
  await standstill.stop();
  await standstill.resume();
  await standstill.resume();
  expect(log).toEqual(["stop", "cont", "SetClock"]);
});

test("a call wakes the VM for as long as it takes", async () => {
  const { log, standstill } = recorded();
  await standstill.stop();
  await standstill.awake(async () => void log.push("work"));
  await standstill.stop();
  expect(log).toEqual(["stop", "cont", "SetClock", "work", "stop"]);
});

test("two calls at once wake it once, and the last one lets it rest", async () => {
  const { log, standstill } = recorded();
  await standstill.stop();
  const first = Promise.withResolvers<void>();
  const long = standstill.awake(() => first.promise);
  await standstill.awake(async () => void log.push("short"));
  expect(log).toEqual(["stop", "cont", "SetClock", "short"]);
  first.resolve();
  await long;
  await standstill.stop();
  expect(log).toEqual(["stop", "cont", "SetClock", "short", "stop"]);
});

test("a call to a VM that runs does nothing to it, and what it throws goes through", async () => {
  const { log, standstill } = recorded();
  await expect(standstill.awake(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(log).toEqual([]);
});

test("what QEMU refuses is told, and can be tried again", async () => {
  let refuses = true;
  const qmp = {
    execute: async () => {
      if (refuses) throw new Error("QEMU: not now");
    },
  };
  const standstill = new Standstill(qmp, { call: async () => ({}) } as never);
  await expect(standstill.stop()).rejects.toThrow("not now");
  refuses = false;
  await standstill.stop();
});
