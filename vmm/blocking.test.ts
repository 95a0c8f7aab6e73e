import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listenFor } from "./listening-socket.ts";
import { buildHelper } from "./testing/helper.ts";

/** O_NONBLOCK, as /proc/PID/fdinfo has it: octal. */
const NONBLOCK = 0o4000;

let directory = "";
let program = "";

beforeAll(() => {
  ({ directory, program } = buildHelper(join(import.meta.dirname, "blocking.c"), "microvm-blocking"));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function flagsOf(argv: readonly [string, ...string[]]): Promise<number> {
  const socket = await listenFor(join(directory, "socket"), 0);
  const [command, ...args] = argv;
  const child = spawn(command, [...args, "cat", "/proc/self/fdinfo/3"], {
    stdio: ["ignore", "pipe", "inherit", socket.fd],
  });
  socket.close();
  const [said] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, "exit")]);
  return Number.parseInt(/^flags:\s*(\d+)$/m.exec(said)?.[1] ?? "", 8);
}

test("a socket of Node's does not block, and blocks for the program", async () => {
  expect((await flagsOf(["env"])) & NONBLOCK).toBe(NONBLOCK);
  expect((await flagsOf([program, "3"])) & NONBLOCK).toBe(0);
});

test("a descriptor that is not there is an error that names the program", () => {
  expect(() => execFileSync(program, ["77", "true"], { stdio: "pipe" })).toThrow("microvm-blocking: true: Bad file");
});
