import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { INITIAL_CREDIT, type MuxStream, StreamMux } from "../proto/stream/mux.ts";
import { socketPair } from "../proto/testing/socket-pair.ts";
import { settled, until } from "../proto/testing/until.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { Stdio, type StdioPaths } from "./stdio.ts";

const NONE: StdioPaths = { stdin: "", stdout: "", stderr: "", terminal: false };
const LIMITS = { quietMs: 100, totalMs: 400 };

let directory: string;
let sockets: [Socket, Socket];
let host: StreamMux;
/** Plays the guest. */
let guest: StreamMux;
let warnings: string[];

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "stdio-"));
  sockets = await socketPair();
  host = new StreamMux(sockets[0]);
  guest = new StreamMux(sockets[1]);
  warnings = [];
});
afterEach(() => {
  host.close();
  guest.close();
  rmSync(directory, { recursive: true });
});

function fifo(name: string): string {
  const path = join(directory, name);
  execFileSync("mkfifo", [path]);
  return path;
}

function open(paths: Partial<StdioPaths>, limits = LIMITS): Promise<Stdio> {
  let next = 1;
  const context = { id: "c1", namespace: "ns", directory, warn: (message: string) => warnings.push(message) };
  return Stdio.open({ ...NONE, ...paths }, context, host, () => next++, limits);
}

/** Writes all and ends, as the guest does for an output. */
async function tell(stream: MuxStream, ...chunks: (string | Buffer)[]): Promise<void> {
  for (const chunk of chunks) await stream.write(Buffer.from(chunk));
  stream.end();
}

/** Opens a fifo as a client does. The returned function reads what is in it, to its end, and closes it. */
function reader(path: string): () => string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return () => {
    const text = readFileSync(fd, "latin1");
    closeSync(fd);
    return text;
  };
}

test("no paths, no streams", async () => {
  const stdio = await open({});
  expect(stdio.streams).toEqual({ stdin: 0, stdout: 0, stderr: 0, terminal: false });
  await stdio.drain();
});

test("a terminal has no standard error of its own", async () => {
  const stdio = await open({ stdout: fifo("out"), stderr: "/nonexistent", terminal: true });
  expect(stdio.streams).toEqual({ stdin: 0, stdout: 1, stderr: 0, terminal: true });
  await stdio.close();
});

test("both outputs reach their fifos, which end when the streams do", async () => {
  const paths = { stdout: fifo("out"), stderr: fifo("err") };
  const stdio = await open(paths);
  const readers = [reader(paths.stdout), reader(paths.stderr)];
  await Promise.all([tell(guest.open(1), "out"), tell(guest.open(2), "err")]);
  await stdio.drain();
  expect(readers.map((read) => read())).toEqual(["out", "err"]);
});

test("both outputs to one file, and a file that is theirs to make", async () => {
  const path = join(directory, "a/log");
  const stdio = await open({ stdout: `file://${path}`, stderr: `file://${path}` });
  await tell(guest.open(1), "one\n");
  await tell(guest.open(2), "two\n");
  await stdio.drain();
  expect(readFileSync(path, "latin1").split("\n").sort()).toEqual(["", "one", "two"]);
});

test("outputs to two files stay apart", async () => {
  const [out, err] = [join(directory, "out"), join(directory, "err")];
  const stdio = await open({ stdout: `file://${out}`, stderr: `file://${err}` });
  await Promise.all([tell(guest.open(1), "out"), tell(guest.open(2), "err")]);
  await stdio.drain();
  expect([readFileSync(out, "latin1"), readFileSync(err, "latin1")]).toEqual(["out", "err"]);
});

test("both outputs to one logger, which close() sees to its end", async () => {
  const out = join(directory, "got");
  const query = new URLSearchParams({ "-c": `echo >&5; cat <&3 > ${out}; cat <&4 >> ${out}` });
  const uri = `binary:///bin/sh?${query}`;
  const stdio = await open({ stdout: uri, stderr: uri });
  await Promise.all([tell(guest.open(1), "out"), tell(guest.open(2), "err")]);
  await stdio.drain();
  await stdio.close();
  expect(readFileSync(out, "latin1")).toBe("outerr");
});

test("standard input flows until the client and CloseIO have ended it", async () => {
  const path = fifo("in");
  const stdio = await open({ stdin: path });
  stdio.start();
  const client = openSync(path, constants.O_WRONLY);
  writeSync(client, "hello");
  const stream = guest.open(1);
  expect((await stream.read())?.toString()).toBe("hello");
  closeSync(client);
  stdio.closeStdin();
  expect(await stream.read()).toBeUndefined();
  await stdio.close();
});

test.each([
  ["a fifo that is none", { stdout: "/etc/passwd" }, Code.InvalidArgument],
  ["a fifo that is not there", { stdin: "/nonexistent" }, Code.InvalidArgument],
  ["an unknown scheme", { stderr: "ttrpc+unix:///x" }, Code.Unimplemented],
  ["a logger that is not there", { stdout: "binary:///nonexistent" }, Code.Unknown],
])("%s is refused", async (_, paths, code) => {
  await expect(open(paths)).rejects.toMatchObject({ code });
});

test("a fifo whose reader dies goes on for the next reader", async () => {
  const path = fifo("out");
  const stdio = await open({ stdout: path });
  const stream = guest.open(1);
  const first = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  await stream.write(Buffer.from("one"));
  closeSync(first);
  const read = reader(path);
  await tell(stream, "two");
  await stdio.drain();
  expect(read()).toBe("onetwo");
});

test("a reader that stalls stalls no other stream, and holds no more than its credit", async () => {
  const stdio = await open({ stdout: fifo("out"), stderr: `file://${join(directory, "err")}` });
  const flood = guest.open(1);
  let sent = 0;
  const flooding = (async () => {
    for (let n = 0; n < 200; n++) {
      await flood.write(Buffer.alloc(32 << 10));
      sent += 32 << 10;
    }
  })();
  expect(await settled(() => sent)).toBeLessThan(2 * INITIAL_CREDIT);
  await tell(guest.open(2), Buffer.alloc(3 << 20));
  await until(() => readFileSync(join(directory, "err")).length === 3 << 20);
  await stdio.close();
  await flooding;
});

test("children that keep the pipes hold the exit up only until nothing comes", async () => {
  const stdio = await open({ stdout: fifo("out") }, { quietMs: 100, totalMs: 60_000 });
  const stream = guest.open(1);
  await stream.write(Buffer.from("hi"));
  await stdio.drain();
  // The pipe is closed for the children, too.
  await stream.gone;
});

test("a reader that does not read holds the exit up only so long", async () => {
  const stdio = await open({ stdout: fifo("out") }, { quietMs: 60_000, totalMs: 100 });
  const stream = guest.open(1);
  void tell(stream, Buffer.alloc(1 << 20));
  await stdio.drain();
  await stream.gone;
});

test("an output that has ended does not keep the others", async () => {
  const stdio = await open({ stdout: `file://${join(directory, "out")}`, stderr: fifo("err") }, LIMITS);
  await tell(guest.open(1), "done");
  const begun = performance.now();
  await stdio.drain();
  expect(performance.now() - begun).toBeLessThan(LIMITS.totalMs);
});
