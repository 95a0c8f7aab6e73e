import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { until } from "../proto/testing/until.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { LogBinary } from "./log-binary.ts";
import type { BinaryTarget } from "./stdio-uri.ts";
import { openDescriptors } from "./testing/descriptors.ts";

const LIMITS = { readyMs: 10_000, endMs: 5_000, termMs: 5_000 };

let directory: string;
let descriptors: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "log-binary-"));
  descriptors = openDescriptors();
});
afterEach(() => {
  expect(readdirSync(directory).filter((name) => name.startsWith("pipes-"))).toEqual([]);
  rmSync(directory, { recursive: true });
  expect(openDescriptors()).toEqual(descriptors);
  const children = execFileSync("ps", ["--ppid", String(process.pid), "-o", "args="], { encoding: "utf8" });
  expect(children.split("\n").filter((line) => line.includes(directory))).toEqual([]);
});

/** A logger written in shell: `$D` is the test's directory. It has no environment but what it is given. */
function logger(script: string, more: Partial<BinaryTarget> = {}): BinaryTarget {
  const path = join(directory, "logger");
  writeFileSync(path, `#!/bin/bash\nPATH=/usr/bin:/bin; D=${directory}\n${script}\n`, { mode: 0o755 });
  return { scheme: "binary", path, args: [], saysReady: false, ...more };
}

function start(target: BinaryTarget, limits: Partial<typeof LIMITS> = {}): Promise<LogBinary> {
  return LogBinary.start(target, { id: "c1", namespace: "ns", directory }, { ...LIMITS, ...limits });
}

const written = (name: string) => readFileSync(join(directory, name), "latin1");

test("it gets arguments, two environment variables, both streams and their end", async () => {
  const target = logger(
    `tr '\\0' '\\n' < /proc/$$/environ > $D/env
     printf '%s\\n' "$@" > $D/args
     exec 7< /dev/fd/4 5>&-
     cat <&3 > $D/out & cat <&7 > $D/err & wait`,
    { args: ["k", "v w", "empty", ""] },
  );
  const running = await start(target);
  await running.stdout.write(Buffer.from("out"));
  await running.stderr.write(Buffer.from("err"));
  await Promise.all([running.stdout.end(), running.stderr.end()]);
  await running.end();
  expect([written("out"), written("err"), written("args")]).toEqual(["out", "err", "k\nv w\nempty\n\n"]);
  expect(written("env").split("\n").filter(Boolean).sort()).toEqual(["CONTAINER_ID=c1", "CONTAINER_NAMESPACE=ns"]);
});

test("more than a pipe holds arrives whole, and an end by itself needs no signal", async () => {
  const running = await start(logger(`trap 'touch $D/term' TERM; echo >&5; cat <&3 | wc -c > $D/count`));
  for (let n = 0; n < 64; n++) await running.stdout.write(Buffer.alloc(65_536));
  await running.stdout.end();
  await running.end();
  expect(Number(written("count"))).toBe(64 * 65_536);
  expect(existsSync(join(directory, "term"))).toBe(false);
});

test.each([
  ["a byte", "echo >&5"],
  ["the closed pipe", "exec 5>&-"],
])("%s says that it is ready, and nothing goes on before", async (_, sign) => {
  const target = logger(`until test -e $D/go; do sleep 0.01; done; touch $D/said; ${sign}; cat <&3`);
  const starting = start(target);
  let ready = false;
  void starting.then(() => {
    ready = true;
  });
  await new Promise(setImmediate);
  expect(ready).toBe(false);
  writeFileSync(join(directory, "go"), "");
  const running = await starting;
  expect(existsSync(join(directory, "said"))).toBe(true);
  await running.end();
});

test.each([
  ["ends before it is ready", "exit 3", {}, "ended with exit status 3 before it was ready"],
  ["is killed before it is ready", "kill -9 $$", {}, "ended with SIGKILL before it was ready"],
  ["closes the pipe where it must say so", "exec 5>&-; sleep 1000", { saysReady: true }, "without a word"],
])("one that %s is an error", async (_, script, more, reason) => {
  await expect(start(logger(script, more))).rejects.toThrow(
    expect.objectContaining({ code: Code.Unknown, message: expect.stringContaining(reason) }),
  );
});

test("one that is never ready is ended", async () => {
  const target = logger("echo $$ > $D/pid; exec sleep 1000");
  await expect(start(target, { readyMs: 300 })).rejects.toThrow("was not ready within 0.3 s");
  expect(existsSync(`/proc/${written("pid").trim()}`)).toBe(false);
});

test.each([
  ["is not there", "/nonexistent/logger", "ENOENT"],
  ["cannot be executed", "/etc/passwd", "EACCES"],
])("one that %s is named", async (_, path, reason) => {
  const starting = start({ scheme: "binary", path, args: [], saysReady: false });
  await expect(starting).rejects.toThrow(new RegExp(`^the logger ${path} cannot be started: .*${reason}`));
});

test("arguments that the system refuses are an error", async () => {
  const starting = start(logger("", { args: ["x".repeat(4 << 20)] }));
  await expect(starting).rejects.toThrow("cannot be started");
});

test("one that stays after the end gets SIGTERM", async () => {
  const running = await start(logger("trap 'touch $D/term; exit' TERM; echo >&5; while :; do sleep 0.05; done"), {
    endMs: 50,
  });
  await running.end();
  expect(existsSync(join(directory, "term"))).toBe(true);
});

test("one that ignores SIGTERM is killed", async () => {
  const running = await start(logger("trap '' TERM; echo $$ > $D/pid; echo >&5; while :; do sleep 0.05; done"), {
    endMs: 50,
    termMs: 50,
  });
  await running.end();
  expect(existsSync(`/proc/${written("pid").trim()}`)).toBe(false);
});

test("when it dies the writer is told, as by a pipe", async () => {
  const running = await start(logger("echo >&5; head -c 3 <&3 > $D/got"));
  await running.stdout.write(Buffer.from("one"));
  await until(() => existsSync(join(directory, "got")) && written("got") === "one");
  const writing = (async () => {
    for (;;) await running.stdout.write(Buffer.alloc(65_536));
  })();
  await expect(writing).rejects.toThrow("the reader is gone");
  await running.end();
});
