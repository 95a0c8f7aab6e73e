import { execFileSync } from "node:child_process";
import { readFileSync, readlinkSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { StandIn } from "./stand-in.ts";
import { buildHelper } from "./testing/helper.ts";

let directory = "";
let program = "";

beforeAll(() => {
  ({ directory, program } = buildHelper(join(import.meta.dirname, "stand-in.c"), "microvm-stand-in"));
  // Users that own nothing have to reach it.
  execFileSync("chmod", ["0755", directory]);
});
afterAll(() => rmSync(directory, { recursive: true }));

const read = (pid: number, name: string) => readFileSync(`/proc/${pid}/${name}`, "utf8");
const spawn = (argv: string[], onSignal: (signal: number) => void = () => {}, uid = 0) =>
  StandIn.spawn(program, { networkOf: process.pid, root: directory, uid, argv, onSignal });
const becomes = (pid: number, command: string) =>
  vi.waitFor(() => expect(read(pid, "cmdline")).toBe(command), { timeout: 5_000, interval: 5 });

test("has the arguments, the name, the user and the network namespace of what it stands for, and no capability", async () => {
  const standIn = await spawn(["/bin/some-server", "-x", "two words", ""], undefined, 1234);
  await becomes(standIn.pid, "/bin/some-server\0-x\0two words\0\0");
  await vi.waitFor(() => expect(read(standIn.pid, "comm")).toBe("some-server\n"));
  const status = read(standIn.pid, "status");
  expect(status).toMatch(/^Uid:\s1234\s1234\s1234\s1234$/m);
  expect(status).toMatch(/^CapEff:\s0+$/m);
  expect(status).toMatch(/^CapBnd:\s0+$/m);
  expect(status).toMatch(/^Groups:\s*$/m);
  expect(readlinkSync(`/proc/${standIn.pid}/root`)).toBe(directory);
  expect(readlinkSync(`/proc/${standIn.pid}/cwd`)).toBe(directory);
  expect(readlinkSync(`/proc/${standIn.pid}/ns/net`)).toBe(readlinkSync("/proc/self/ns/net"));
  await standIn.end();
});

test("root's has no capability either", async () => {
  const standIn = await spawn(["sh"]);
  await becomes(standIn.pid, "sh\0");
  expect(read(standIn.pid, "status")).toMatch(/^CapEff:\s0+$/m);
  await standIn.end();
});

test("takes new arguments and keeps its pid", async () => {
  const standIn = await spawn(["sh"]);
  await becomes(standIn.pid, "sh\0");
  standIn.rename(["sleep", "100"]);
  await becomes(standIn.pid, "sleep\x00100\0");
  standIn.rename(["x".repeat(10_000)]);
  await becomes(standIn.pid, `${"x".repeat(4095)}\0`);
  await standIn.end();
});

test("hands on the signals that it gets, SIGKILL too; its own end is no signal", async () => {
  const seen: number[] = [];
  const standIn = await spawn(["sh"], (signal) => seen.push(signal));
  await becomes(standIn.pid, "sh\0");
  await vi.waitFor(() => expect(read(standIn.pid, "status")).toMatch(/^SigBlk:\sf/m));
  process.kill(standIn.pid, "SIGTERM");
  await vi.waitFor(() => expect(seen).toEqual([15]));
  process.kill(standIn.pid, "SIGKILL");
  await vi.waitFor(() => expect(seen).toEqual([15, 9]));
  await standIn.end();

  const other = await spawn(["sh"], (signal) => seen.push(signal));
  await other.end();
  expect(seen).toEqual([15, 9]);
});

test("is what it stands for as soon as it is there", async () => {
  const standIn = await spawn(["sh", "-c", "true"], undefined, 5);
  expect(read(standIn.pid, "cmdline")).toBe("sh\0-c\0true\0");
  expect(read(standIn.pid, "status")).toMatch(/^Uid:\s5\s/m);
  expect(readlinkSync(`/proc/${standIn.pid}/root`)).toBe(directory);
  await standIn.end();
});

test("says why it cannot be", async () => {
  const options = { networkOf: process.pid, uid: 0, argv: ["sh"], onSignal: () => {} };
  await expect(StandIn.spawn(program, { ...options, root: program })).rejects.toThrow(`${program}: Not a directory`);
  await expect(StandIn.spawn(program, { ...options, root: directory, networkOf: 0 })).rejects.toThrow("/proc/0/ns/net");
});
