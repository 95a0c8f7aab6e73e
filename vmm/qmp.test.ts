import { duplexPair } from "node:stream";
import { expect, test } from "vitest";
import { Qmp } from "./qmp.ts";

const GREETING = '{"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 10}}, "capabilities": []}}\n';

function pair() {
  const [ours, theirs] = duplexPair();
  return { qmp: new Qmp(ours), theirs };
}

test("the greeting gives QEMU's version, in whatever pieces it comes", async () => {
  const { qmp, theirs } = pair();
  for (const byte of GREETING) theirs.write(byte);
  expect(await qmp.greeting).toMatchObject({ major: 10, minor: 0 });
});

test("answers belong to commands in order, and events to none", async () => {
  const { qmp, theirs } = pair();
  theirs.write(GREETING);
  const first = qmp.execute("stop");
  const second = qmp.execute("nosuch");
  theirs.write('{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "STOP"}\n{"return": {}}\n');
  theirs.write('{"error": {"class": "CommandNotFound", "desc": "The command nosuch has not been found"}}\n');
  expect(await first).toEqual({});
  await expect(second).rejects.toThrow("QEMU: The command nosuch has not been found");
});

test("an event is told to who waits for one like it", async () => {
  const { qmp, theirs } = pair();
  const done = qmp.next("MIGRATION", ({ status }) => status === "completed");
  theirs.write(GREETING);
  for (const status of ["active", "completed"])
    theirs.write(`{"event": "MIGRATION", "data": {"status": "${status}"}}\n`);
  expect(await done).toEqual({ status: "completed" });
  const never = qmp.next("STOP");
  theirs.end();
  await expect(never).rejects.toThrow();
});

test("the end of the connection fails what is under way and what comes later", async () => {
  const { qmp, theirs } = pair();
  theirs.write(GREETING);
  const waiting = qmp.execute("stop");
  theirs.end();
  await expect(waiting).rejects.toThrow();
  await expect(qmp.execute("cont")).rejects.toThrow();
});
