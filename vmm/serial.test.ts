import { expect, test } from "vitest";
import { Serial } from "./serial.ts";

test("one after the other, in order, and each tells its own end", async () => {
  const serial = new Serial();
  const log: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = serial.run(async () => {
    await gate.promise;
    log.push("first");
    return 1;
  });
  const second = serial.run(async () => void log.push("second"));
  expect(log).toEqual([]);
  gate.resolve();
  expect(await first).toBe(1);
  await second;
  expect(log).toEqual(["first", "second"]);
});

test("work that fails holds nothing back", async () => {
  const serial = new Serial();
  const failed = serial.run(() => Promise.reject(new Error("no")));
  const next = serial.run(async () => "next");
  await expect(failed).rejects.toThrow("no");
  expect(await next).toBe("next");
  await serial.settled();
});
