import type net from "node:net";
import { afterEach, expect, test } from "vitest";
import { taskMethods } from "../containerd/task.ts";
import { type GuestEvent, guest } from "../guest/methods.ts";
import { readVectors, vector } from "../testdata/vectors.ts";
import { random } from "../testing/random.ts";
import { socketPair } from "../testing/socket-pair.ts";
import { until } from "../testing/until.ts";
import { TtrpcClient } from "./client.ts";
import { Code } from "./code.ts";
import { FrameDecoder } from "./decode.ts";
import { encodeSuccess } from "./envelope.ts";
import { encodeFrame, Flag, type Frame, FrameType, MAX_LENGTH } from "./frame.ts";
import { RpcError } from "./rpc-error.ts";
import { type Route, serverStreaming, TtrpcServer, unary } from "./server.ts";

const task = taskMethods(3);
const vectors = readVectors("ttrpc.vectors");
const sockets: net.Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A client, and the raw other end of its connection. */
async function rawServer() {
  const [near, far] = await socketPair();
  sockets.push(near, far);
  const frames: (Frame | { payload?: never })[] = [];
  const decoder = new FrameDecoder();
  far.on("data", (chunk: Buffer) => frames.push(...decoder.consume(chunk)));
  return { client: new TtrpcClient(near), far, frames };
}

async function served(...routes: Route[]) {
  const [near, far] = await socketPair();
  sockets.push(near, far);
  const server = new TtrpcServer(routes);
  server.serve(far);
  return { client: new TtrpcClient(near), server };
}

const failing = (code: Code, message?: string) =>
  expect.objectContaining({ name: "RpcError", code, ...(message === undefined ? {} : { message }) });

test("a call gives the response, with a value for every field", async () => {
  const { client } = await served(unary(task.state, ({ id }) => ({ id, pid: 3 })));
  const state = await client.call(task.state, { id: "c1" });
  expect(state.id).toBe("c1");
  expect(state.pid).toBe(3);
  expect(state.execId).toBe("");
  expect(state.exitedAt).toBeNull();
});

test("calls side by side each get their own answer, in whatever order", async () => {
  const next = random(1);
  const { client } = await served(
    unary(task.state, async ({ id }) => {
      await new Promise((resolve) => setTimeout(resolve, next(0, 20)));
      if (id.endsWith("7")) throw new RpcError(Code.NotFound, id);
      return { id, bundle: "b".repeat(next(0, 50_000)) };
    }),
  );
  await Promise.all(
    Array.from({ length: 500 }, async (_, call) => {
      const answer = client.call(task.state, { id: `${call}` });
      if (call % 10 === 7) await expect(answer).rejects.toEqual(failing(Code.NotFound, `${call}`));
      else expect((await answer).id).toBe(`${call}`);
    }),
  );
});

test("the time-out is told to the server and kept", async () => {
  const { client } = await served(
    unary(task.wait, ({ id }, { timeoutMs }) =>
      id === "told" ? { exitStatus: timeoutMs ?? 0 } : new Promise(() => {}),
    ),
  );
  expect(await client.call(task.wait, { id: "told" }, { timeoutMs: 5000 })).toMatchObject({ exitStatus: 5000 });
  await expect(client.call(task.wait, {}, { timeoutMs: 20 })).rejects.toEqual(failing(Code.DeadlineExceeded));
  // Neither of them left its timer, of which the first would fire in seconds.
  expect(process.getActiveResourcesInfo().filter((name) => name === "Timeout").length).toBeLessThanOrEqual(1);
});

test("a signal gives a call up, and a late answer is ignored", async () => {
  const { client, far, frames } = await rawServer();
  const abort = new AbortController();
  const call = client.call(task.wait, {}, { signal: abort.signal });
  await until(() => frames.length === 1);
  abort.abort(new Error("no more"));
  await expect(call).rejects.toEqual(failing(Code.Canceled));
  await expect(client.call(task.wait, {}, { signal: abort.signal })).rejects.toEqual(failing(Code.Canceled));
  const empty = { type: FrameType.Response, flags: 0, payload: new Uint8Array() };
  far.write(encodeFrame({ streamId: 1, ...empty }));
  const next = client.call(task.kill, {});
  await until(() => frames.length === 2);
  far.write(encodeFrame({ streamId: 3, ...empty }));
  await next;
});

test("ids are odd and rise", async () => {
  const { client, frames } = await rawServer();
  for (let call = 0; call < 3; call += 1) client.call(task.wait, {}).catch(() => {});
  await until(() => frames.length === 3);
  expect(frames).toMatchObject([{ streamId: 1 }, { streamId: 3 }, { streamId: 5 }]);
});

test("oversized messages fail their call, either way, and no other", async () => {
  const { client, far, frames } = await rawServer();
  await expect(client.call(task.wait, { id: "x".repeat(MAX_LENGTH) })).rejects.toEqual(failing(Code.ResourceExhausted));
  const call = client.call(task.wait, {});
  await until(() => frames.length === 1);
  const header = Buffer.from(vector(vectors, "header-oversized"));
  header.writeUInt32BE(1, 4);
  far.write(Buffer.concat([header, Buffer.alloc(MAX_LENGTH + 1)]));
  await expect(call).rejects.toEqual(failing(Code.ResourceExhausted));
  const next = client.call(task.wait, {});
  far.write(encodeFrame({ streamId: 3, type: FrameType.Response, flags: 0, payload: encodeSuccess(Buffer.of(8, 9)) }));
  expect(await next).toMatchObject({ exitStatus: 9 });
});

test("an answer that cannot be read is Internal", async () => {
  const { client, far, frames } = await rawServer();
  for (const [streamId, payload] of [
    [1, Buffer.from("0aff", "hex")],
    [3, encodeSuccess(Buffer.from("0aff", "hex"))],
  ] as const) {
    const call = client.call(task.state, {});
    await until(() => frames.length === (streamId + 1) / 2);
    far.write(encodeFrame({ streamId, type: FrameType.Response, flags: 0, payload }));
    await expect(call).rejects.toEqual(failing(Code.Internal));
  }
});

test("a connection that ends rejects every call with Unavailable", async () => {
  const { client, far, frames } = await rawServer();
  const calls = Promise.allSettled([client.call(task.wait, {}), client.subscribe(guest.events, {}, () => {})]);
  await until(() => frames.length === 2);
  far.destroy();
  for (const call of await calls) expect(call).toMatchObject({ reason: failing(Code.Unavailable) });
  await client.closed;
  await expect(client.call(task.wait, {})).rejects.toEqual(failing(Code.Unavailable));
  client.close();
});

test("close() ends calls too", async () => {
  const { client } = await rawServer();
  const call = client.call(task.wait, {});
  client.close();
  client.close();
  await expect(call).rejects.toEqual(failing(Code.Unavailable));
  await client.closed;
});

test("a subscription sees the events in order, beside calls, until the stream ends", async () => {
  const { client, far, frames } = await rawServer();
  const events: GuestEvent[] = [];
  client.call(guest.hello, { version: 1 }).catch(() => {});
  const subscription = client.subscribe(guest.events, {}, (event) => events.push(event));
  await until(() => frames.length === 2);
  expect(encodeFrame(frames[1] as Frame)).toEqual(vector(vectors, "request-events"));
  far.write(vector(vectors, "events-data-oom"));
  far.write(vector(vectors, "events-data-exit"));
  await until(() => events.length === 2);
  expect(events[0]?.oom?.containerId).toBe("c1");
  expect(events[1]?.exit?.exitStatus).toBe(137);
  far.write(vector(vectors, "half-close"));
  await subscription;
});

test.each([
  ["a response", { type: FrameType.Response, flags: 0, payload: new Uint8Array() }],
  ["data with the last message", { type: FrameType.Data, flags: Flag.RemoteClosed, payload: new Uint8Array() }],
])("a stream may end with %s", async (_, end) => {
  const { client, far, frames } = await rawServer();
  const subscription = client.subscribe(guest.events, {}, () => {});
  await until(() => frames.length === 1);
  far.write(encodeFrame({ streamId: 1, ...end }));
  await subscription;
});

test("a stream that fails rejects with its status; so does one whose listener throws", async () => {
  const { client } = await served(
    serverStreaming(guest.events, async function* () {
      yield { oom: { containerId: "c1" } };
      throw new RpcError(Code.Aborted, "enough");
    }),
  );
  await expect(client.subscribe(guest.events, {}, () => {})).rejects.toEqual(failing(Code.Aborted, "enough"));
  const thrown = new Error("listener");
  const fail = () => {
    throw thrown;
  };
  await expect(client.subscribe(guest.events, {}, fail)).rejects.toBe(thrown);
});

test("a long stream waits for a client that reads slowly, and loses nothing", async () => {
  const { client } = await served(
    serverStreaming(guest.events, async function* () {
      for (let at = 0; at < 2000; at += 1) yield { exit: { containerId: "c".repeat(10_000), exitStatus: at } };
    }),
  );
  let seen = 0;
  await client.subscribe(guest.events, {}, ({ exit }) => expect(exit?.exitStatus).toBe(seen++));
  expect(seen).toBe(2000);
});
