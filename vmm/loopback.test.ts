import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { Child } from "./child.ts";
import { type GuestEnd, Loopback, type Target } from "./loopback.ts";
import { buildHelper } from "./testing/helper.ts";

/** Where nothing listens; the guest of these tests takes what comes to the other ports. */
const CLOSED = 81;

let directory = "";
let program = "";
let holder: Child;
let loopback: Loopback | undefined;
let dialled: Target[] = [];
let dropped = 0;

beforeAll(() => {
  ({ directory, program } = buildHelper(join(import.meta.dirname, "loopback"), "microvm-loopback"));
});
afterAll(() => rmSync(directory, { recursive: true }));

beforeEach(async () => {
  dialled = [];
  dropped = 0;
  // A network namespace lives as long as a process in it.
  holder = await Child.spawn(["unshare", "--net", "sh", "-c", "echo; exec sleep 1000"], ["ignore", "pipe", "inherit"]);
  await new Promise((resolve) => holder.stdio[1]?.once("data", resolve));
});
afterEach(async () => {
  await loopback?.close();
  await holder.kill();
});

/** Says which address and port the client had, then sends back what it gets. */
const echo: GuestEnd = {
  join(socket: Socket) {
    socket.write(`${socket.localAddress} ${socket.localPort} `);
    socket.pipe(socket);
  },
  drop: () => void dropped++,
};

async function open(dial?: (target: Target) => Promise<GuestEnd>): Promise<Loopback> {
  const plain = async (target: Target) => {
    dialled.push(target);
    if (target.port === CLOSED) throw new Error("refused");
    return echo;
  };
  loopback = await Loopback.spawn(program, { networkOf: holder.pid, uid: 1234, raise: true, dial: dial ?? plain });
  return loopback;
}

/** A client in the namespace: sends its input and the end of it, and prints what it gets up to the end. */
const CLIENT = `
  const [address, port, count] = process.argv.slice(1);
  for (let n = 0; n < count; n++) {
    const socket = require("node:net").connect({ host: address, port, allowHalfOpen: true });
    let said = "";
    socket.on("data", (bytes) => (said += bytes));
    socket.on("end", () => console.log(said));
    socket.on("error", (error) => console.log(error.code));
    socket.end("hello");
  }`;

function clientArgv(address: string, port: number, count = 1): string[] {
  const client = [process.execPath, "-e", CLIENT, address, `${port}`, `${count}`];
  return ["nsenter", `--net=/proc/${holder.pid}/ns/net`, ...client];
}

async function ask(address: string, port: number, count = 1): Promise<string[]> {
  const client = await Child.spawn(clientArgv(address, port, count), ["ignore", "pipe", "inherit"]);
  let said = "";
  client.stdio[1]?.on("data", (bytes: Buffer) => {
    said += bytes;
  });
  await new Promise((resolve) => client.stdio[1]?.once("close", resolve));
  return said.trim().split("\n");
}

const inNamespace = (...argv: string[]) =>
  execFileSync("nsenter", [`--net=/proc/${holder.pid}/ns/net`, ...argv], { encoding: "utf8" });

test("a connection to any port of loopback is the guest's, with its own address and port", async () => {
  await open();
  expect(await ask("127.0.0.1", 80)).toEqual(["127.0.0.1 80 hello"]);
  expect(await ask("127.1.2.3", 65535)).toEqual(["127.1.2.3 65535 hello"]);
  expect(await ask("::1", 80)).toEqual(["::1 80 hello"]);
  expect(dialled.map(({ address, port }) => [[...address].join("."), port])).toEqual([
    ["127.0.0.1", 80],
    ["127.1.2.3", 65535],
    [`${"0.".repeat(15)}1`, 80],
  ]);
});

test("one to an address of the namespace's own is, too", async () => {
  inNamespace("ip", "address", "add", "10.1.2.3/24", "dev", "lo");
  inNamespace("ip", "address", "add", "fd12::3/64", "dev", "lo");
  await open();
  expect(await ask("10.1.2.3", 80)).toEqual(["10.1.2.3 80 hello"]);
  expect(await ask("fd12::3", 80)).toEqual(["fd12::3 80 hello"]);
});

test("what the guest refuses is refused at once, time and again", async () => {
  await open();
  const begun = performance.now();
  expect(await ask("127.0.0.1", CLOSED)).toEqual(["ECONNREFUSED"]);
  expect(await ask("::1", CLOSED)).toEqual(["ECONNREFUSED"]);
  expect(await ask("127.0.0.1", CLOSED, 3)).toEqual(["ECONNREFUSED", "ECONNREFUSED", "ECONNREFUSED"]);
  expect(performance.now() - begun).toBeLessThan(3_000);
  expect(dialled.length).toBe(5);
  expect(dropped).toBe(0);
});

test("what the guest refuses goes to a listener of the namespace's own", async () => {
  const server = await Child.spawn(
    [
      ...["nsenter", `--net=/proc/${holder.pid}/ns/net`, process.execPath, "-e"],
      `require("node:net").createServer((s) => s.end("own")).listen(${CLOSED}, () => console.log("ready"))`,
    ],
    ["ignore", "pipe", "inherit"],
  );
  await new Promise((resolve) => server.stdio[1]?.once("data", resolve));
  await open();
  expect(await ask("127.0.0.1", CLOSED)).toEqual(["own"]);
  await server.kill();
});

test("200 at once", async () => {
  await open();
  expect(await ask("127.0.0.1", 80, 200)).toEqual(Array(200).fill("127.0.0.1 80 hello"));
});

test("what a client has given up is dropped", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<GuestEnd>();
  const opened = await open(() => {
    asked.resolve();
    return answer.promise;
  });
  const client = await Child.spawn(clientArgv("127.0.0.1", 80), ["ignore", "ignore", "inherit"]);
  await asked.promise;
  await client.kill();
  answer.resolve(echo);
  await answer.promise;
  await opened.close();
  expect(dropped).toBe(1);
});

test("runs as nobody of the host's, with one capability", async () => {
  await open();
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, "utf8").trim().split(" ");
  const name = (pid: string) => readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  const status = children
    .filter((pid) => name(pid) === "microvm-loopbac")
    .map((pid) => readFileSync(`/proc/${pid}/status`, "utf8"));
  expect(status.length).toBe(1);
  expect(status[0]).toMatch(/^Uid:\s1234\s1234\s1234\s1234$/m);
  expect(status[0]).toMatch(/^CapEff:\s0000008000000000$/m);
  expect(status[0]).toMatch(/^CapBnd:\s0+$/m);
  expect(status[0]).toMatch(/^NoNewPrivs:\s1$/m);
});

test("its end leaves the namespace as it was", async () => {
  inNamespace("ip", "link", "set", "lo", "up");
  const state = () => inNamespace("sh", "-c", "ip -o link; ip -o address; ip rule; ip route; tc qdisc; ss -Hltn");
  const before = state();
  const opened = await open();
  expect(await ask("127.0.0.1", 80)).toEqual(["127.0.0.1 80 hello"]);
  await opened.close();
  expect(await ask("127.0.0.1", 80)).toEqual(["ECONNREFUSED"]);
  expect(state()).toBe(before);
});

test("a namespace that is not there is said", async () => {
  const wrong = { networkOf: 4_999_999, uid: 1234, raise: false, dial: async () => echo };
  await expect(Loopback.spawn(program, wrong)).rejects.toThrow("/proc/4999999/ns/net: No such file or directory");
});
