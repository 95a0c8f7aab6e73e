import { execFileSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import { fileSinks } from "./log-file.ts";
import type { Sink } from "./sink.ts";
import { openDescriptors } from "./testing/descriptors.ts";

let directory: string;
let warnings: string[];
let descriptors: string[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "log-file-"));
  warnings = [];
  descriptors = openDescriptors();
});
afterEach(() => {
  rmSync(directory, { recursive: true });
  expect(openDescriptors()).toEqual(descriptors);
});

function open(path: string, count = 1): [Sink, Sink] {
  return fileSinks(path, count, (message) => warnings.push(message)) as [Sink, Sink];
}

test("the file and its directory are made, and what is in a file stays", async () => {
  const path = join(directory, "a/b/log");
  for (const text of ["one\n", "two\n"]) {
    const [sink] = open(path);
    await sink.write(Buffer.from(text));
    await sink.end();
  }
  expect(readFileSync(path, "latin1")).toBe("one\ntwo\n");
  expect(statSync(path).mode & 0o777).toBe(0o644 & ~process.umask());
  expect(statSync(join(directory, "a")).mode & 0o777).toBe(0o755 & ~process.umask());
});

test("two outputs to one file share it, and no write is cut by another", async () => {
  const path = join(directory, "log");
  const [one, other] = open(path, 2);
  const lines = (letter: string) => Array.from({ length: 200 }, () => Buffer.from(`${letter.repeat(30_000)}\n`));
  const write = async (sink: Sink, letter: string) => {
    for (const line of lines(letter)) await sink.write(line);
    await sink.end();
  };
  await Promise.all([write(one, "a"), write(other, "b")]);
  const written = readFileSync(path, "latin1").split("\n");
  expect(written.length).toBe(401);
  expect(written.filter((line) => /^(a{30000}|b{30000})$/.test(line)).length).toBe(400);
});

test("the one that stays open can write when the other has ended", async () => {
  const path = join(directory, "log");
  const [one, other] = open(path, 2);
  await one.end();
  await other.write(Buffer.from("late"));
  await other.end();
  expect(readFileSync(path, "latin1")).toBe("late");
});

test("a disk that is full costs the lines and one warning, not the process", async () => {
  const [sink] = open("/dev/full");
  await sink.write(Buffer.from("lost"));
  await sink.write(Buffer.from("lost"));
  await sink.end();
  expect(warnings).toEqual([expect.stringMatching(/^output is lost: cannot write \/dev\/full: ENOSPC/)]);
});

test("a fifo is written to as a client's, without waiting for a reader", async () => {
  const path = join(directory, "fifo");
  execFileSync("mkfifo", [path]);
  const [one, other] = open(path, 2);
  await one.write(Buffer.from("one"));
  await other.write(Buffer.from("two"));
  const reader = openSync(path, "r+");
  const bytes = Buffer.alloc(6);
  readSync(reader, bytes);
  expect(bytes.toString()).toBe("onetwo");
  await Promise.all([one.end(), other.end()]);
  closeSync(reader);
});

test("what cannot be opened is named", () => {
  mkdirSync(join(directory, "folder"));
  writeFileSync(join(directory, "file"), "");
  for (const path of [join(directory, "folder"), join(directory, "file/log")]) {
    expect(() => open(path)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
    expect(() => open(path)).toThrow(`cannot open the log file ${path}: `);
  }
});

test("a write after the end is refused", async () => {
  const [sink] = open(join(directory, "log"));
  await sink.end();
  sink.destroy();
  await expect(sink.write(Buffer.from("x"))).rejects.toThrow("closed");
});
