import { closeSync, fstatSync, openSync, readSync, rmSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { Placement } from "./child.ts";
import { GuestMemory, saveMemory } from "./guest-memory.ts";
import { buildHelper } from "./testing/helper.ts";

const MIB = 1024 * 1024;
const placed: number[] = [];
const PLACEMENT: Placement = {
  async add(pid) {
    placed.push(pid);
  },
  async addChildren() {},
};

let directory = "";
let program = "";
const fds: number[] = [];

beforeAll(() => {
  ({ directory, program } = buildHelper(join(import.meta.dirname, "memory.c"), "microvm-memory"));
});
beforeEach(() => placed.splice(0));
afterEach(() => {
  for (const fd of fds.splice(0)) closeSync(fd);
});
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, bytes: number, contents: Record<number, string> = {}): number {
  const fd = openSync(join(directory, name), "w+");
  fds.push(fd);
  truncateSync(join(directory, name), bytes);
  for (const [at, text] of Object.entries(contents)) writeSync(fd, text, Number(at));
  return fd;
}

function textAt(fd: number, at: number, length: number): string {
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, at);
  return bytes.toString("latin1");
}

async function saved() {
  const contents = { 5: "first", [MIB]: "a page", [2 * MIB - 3]: "two pages" };
  const running = file("running", 4 * MIB, contents);
  // What has been written and is zero again takes no place.
  writeSync(running, Buffer.alloc(MIB), 0, MIB, 3 * MIB);
  const state = file("state", 5000, { 4999: "x" });
  const memory = file("memory", 0);
  return { memory, state, checksums: await saveMemory(program, { memory: running, state }, memory) };
}

test("what has been saved is loaded, with the same checksums, and only what is not zero", async () => {
  const { memory, state, checksums } = await saved();
  expect(statSync(join(directory, "memory")).blocks * 512).toBeLessThanOrEqual(5 * 4096);
  const own = new GuestMemory(program, 4, { memory, state });
  const fd = await own.fd;
  expect(fstatSync(fd).size).toBe(4 * MIB);
  expect(await own.load(PLACEMENT)).toEqual(checksums);
  expect(placed).toHaveLength(1);
  expect([textAt(fd, 5, 5), textAt(fd, MIB, 6), textAt(fd, 2 * MIB - 3, 9)]).toEqual(["first", "a page", "two pages"]);
  expect(fstatSync(fd).blocks * 512).toBeLessThanOrEqual(5 * 4096);
  own.close();
});

test.each<[string, "memory" | "state", number]>([
  ["a bit of the memory", "memory", 5],
  ["a place in the memory", "memory", 64 * 1024],
  ["the state", "state", 0],
  ["the last byte of the state", "state", 4999],
])("another checksum for another: %s", async (_, name, at) => {
  const { memory, state, checksums } = await saved();
  writeSync(name === "memory" ? memory : state, "F", at);
  const own = new GuestMemory(program, 4, { memory, state });
  const loaded = await own.load(PLACEMENT);
  expect(loaded[name]).not.toBe(checksums[name]);
  own.close();
});

test("a template of another size is an error", async () => {
  const { memory, state } = await saved();
  const own = new GuestMemory(program, 8, { memory, state });
  await expect(own.load(PLACEMENT)).rejects.toThrow("the template is not of 8388608 bytes");
  await expect(own.fd).rejects.toThrow("the template is not of 8388608 bytes");
  own.abandon();
});

test("one that cannot be placed is not loaded", async () => {
  const refused = new Error("no place");
  const own = new GuestMemory(program, 4);
  await expect(own.load({ ...PLACEMENT, add: () => Promise.reject(refused) })).rejects.toBe(refused);
  own.abandon();
});

test("it is empty without a template, and keeps its size", async () => {
  const own = new GuestMemory(program, 1);
  const fd = await own.fd;
  await own.load(PLACEMENT);
  expect(textAt(fd, 0, 4)).toBe("\0\0\0\0");
  expect(() => truncateSync(`/proc/self/fd/${fd}`, 4096)).toThrow("EPERM");
  own.close();
});
