import type net from "node:net";
import { setImmediate } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { taskMethods } from "../containerd/task.ts";
import { guest } from "../guest/methods.ts";
import { readVectors, vector } from "../testdata/vectors.ts";
import { random } from "../testing/random.ts";
import { socketPair } from "../testing/socket-pair.ts";
import { settled, until } from "../testing/until.ts";
import { Code } from "./code.ts";
import { encode } from "./codec.ts";
import { FrameDecoder } from "./decode.ts";
import { decodeResponse, encodeRequest } from "./envelope.ts";
import { encodeFrame, Flag, type Frame, FrameType, MAX_LENGTH } from "./frame.ts";
import { RpcError } from "./rpc-error.ts";
import { type CallContext, type Route, serverStreaming, TtrpcServer, unary } from "./server.ts";

const task = taskMethods(3);
const vectors = readVectors("ttrpc.vectors");
const opened: { server: TtrpcServer; socket: net.Socket }[] = [];

afterEach(() => {
  for (const { server, socket } of opened.splice(0)) {
    server.closeAll();
    socket.destroy();
  }
});

/** A server and a raw connection to it. */
async function serve(...routes: Route[]) {
  const [socket, served] = await socketPair();
  const server = new TtrpcServer(routes);
  server.serve(served);
  opened.push({ server, socket });
  const frames: Frame[] = [];
  const decoder = new FrameDecoder();
  const listen = () =>
    socket.on("data", (chunk: Buffer) => {
      for (const frame of decoder.consume(chunk)) if (frame.payload) frames.push(frame);
    });
  const answers = async (count: number) => {
    if (socket.listenerCount("data") === 0) listen();
    await until(() => frames.length >= count);
    await setImmediate();
    expect(frames).toHaveLength(count);
    return frames;
  };
  return { server, socket, served, frames, listen, answers };
}

function request(
  streamId: number,
  method: string,
  payload: Uint8Array = new Uint8Array(),
  service = task.wait.service,
) {
  const frame = { streamId, type: FrameType.Request, flags: 0 };
  return encodeFrame({ ...frame, payload: encodeRequest({ service, method, payload }) });
}

function statusOf(frame: Frame | undefined): { code: Code; message: string } {
  if (!frame) throw new Error("no frame");
  try {
    decodeResponse(frame.payload);
  } catch (thrown) {
    const { code, message } = RpcError.from(thrown);
    return { code, message };
  }
  return { code: Code.Ok, message: "" };
}

const connect = unary(task.connect, () => ({ shimPid: 7 }));

test("a request as containerd sends it is answered, with its context", async () => {
  const contexts: CallContext[] = [];
  const { socket, answers } = await serve(
    unary(task.kill, (request, context) => {
      expect(request).toMatchObject({ id: "c1", signal: 9, all: true });
      contexts.push(context);
      return {};
    }),
  );
  socket.write(vector(vectors, "request-kill"));
  const [answer] = await answers(1);
  expect(answer && encodeFrame(answer)).toEqual(vector(vectors, "response-empty"));
  expect(contexts[0]).toMatchObject({ timeoutMs: 10_000, service: "containerd.task.v3.Task", method: "Kill" });
  expect(contexts[0]?.metadata).toEqual(new Map([["containerd-namespace-ttrpc", "default"]]));
});

test.each([
  ["an even id", [request(2, "Connect")], "StreamID must be odd for client initiated streams"],
  ["an id used twice", [request(1, "Connect"), request(1, "Connect")], "StreamID cannot be re-used and must increment"],
  ["a lower id", [request(5, "Connect"), request(3, "Connect")], "StreamID cannot be re-used and must increment"],
  ["data of no stream", [vector(vectors, "half-close")], "StreamID is no longer active"],
])("%s is refused on that id, and the connection goes on", async (_, sent, message) => {
  const { socket, answers } = await serve(connect);
  const last = request(99, "Connect");
  socket.write(Buffer.concat([...sent, last]));
  const frames = await answers(sent.length + 1);
  const refusal = frames.find((frame) => statusOf(frame).code !== Code.Ok);
  expect(statusOf(refusal)).toEqual({ code: Code.InvalidArgument, message });
  expect(refusal?.streamId).toBe(sent.at(-1)?.readUInt32BE(4));
  expect(statusOf(frames.find(({ streamId }) => streamId === 99)).code).toBe(Code.Ok);
});

test("unknown types of message are ignored", async () => {
  const { socket, answers } = await serve(connect);
  socket.write(encodeFrame({ streamId: 1, type: 9, flags: 0xff, payload: Buffer.from("?") }));
  socket.write(request(1, "Connect"));
  expect(statusOf((await answers(1))[0]).code).toBe(Code.Ok);
});

test("an unknown service or method is Unimplemented, worded as in Go", async () => {
  const { socket, answers } = await serve(connect);
  socket.write(Buffer.concat([request(1, "Connect", undefined, "no.Such"), request(3, "Nothing")]));
  const [service, method] = await answers(2);
  expect(statusOf(service)).toEqual({ code: Code.Unimplemented, message: "service no.Such" });
  expect(statusOf(method)).toEqual({ code: Code.Unimplemented, message: "method Nothing" });
});

test("what cannot be read is InvalidArgument", async () => {
  const { socket, answers } = await serve(connect);
  socket.write(encodeFrame({ streamId: 1, type: FrameType.Request, flags: 0, payload: Buffer.from("0aff", "hex") }));
  socket.write(request(3, "Connect", Buffer.from("0aff", "hex")));
  for (const frame of await answers(2)) expect(statusOf(frame).code).toBe(Code.InvalidArgument);
});

test("oversized data is ResourceExhausted, and the connection goes on", async () => {
  const { socket, answers } = await serve(connect);
  socket.write(
    Buffer.concat([vector(vectors, "header-oversized"), Buffer.alloc(MAX_LENGTH + 1), request(7, "Connect")]),
  );
  const [refused, answered] = await answers(2);
  expect(statusOf(refused)).toEqual({
    code: Code.ResourceExhausted,
    message: "message length 4194305 exceed maximum message size of 4194304",
  });
  expect(refused?.streamId).toBe(5);
  expect(statusOf(answered).code).toBe(Code.Ok);
});

test("what a handler throws is the status, without a payload", async () => {
  const thrown = [new RpcError(Code.NotFound, "no c1"), new Error("broken"), "text"];
  const { socket, answers } = await serve(
    unary(task.wait, () => {
      throw thrown.shift();
    }),
  );
  socket.write(Buffer.concat([request(1, "Wait"), request(3, "Wait"), request(5, "Wait")]));
  expect((await answers(3)).map(statusOf)).toEqual([
    { code: Code.NotFound, message: "no c1" },
    { code: Code.Unknown, message: "broken" },
    { code: Code.Unknown, message: "text" },
  ]);
});

test("an answer that fits in no frame is ResourceExhausted", async () => {
  const { socket, answers } = await serve(unary(task.state, () => ({ id: "x".repeat(MAX_LENGTH) })));
  socket.write(request(1, "State"));
  expect(statusOf((await answers(1))[0]).code).toBe(Code.ResourceExhausted);
});

test("a call that waits delays no other", async () => {
  const exit = Promise.withResolvers<object>();
  const { socket, answers } = await serve(
    connect,
    unary(task.wait, () => exit.promise),
  );
  socket.write(Buffer.concat([request(1, "Wait"), request(3, "Connect")]));
  expect((await answers(1))[0]?.streamId).toBe(3);
  exit.resolve({});
  expect((await answers(2))[1]?.streamId).toBe(1);
});

test("a stream is its messages and an end", async () => {
  const { socket, answers } = await serve(
    serverStreaming(guest.events, async function* () {
      yield { oom: { containerId: "c1" } };
      yield { exit: { containerId: "c1", execId: "e1", exitStatus: 137 } };
    }),
  );
  socket.write(vector(vectors, "request-events"));
  const frames = await answers(3);
  expect(frames.slice(0, 2).map(encodeFrame)).toEqual([
    vector(vectors, "events-data-oom"),
    vector(vectors, "events-data-exit"),
  ]);
  expect(frames[2]).toMatchObject({ type: FrameType.Data, flags: Flag.RemoteClosed | Flag.NoData });
});

test("a half-close is ignored while the call lives; data is refused", async () => {
  const exit = Promise.withResolvers<object>();
  const { socket, answers } = await serve(unary(task.wait, () => exit.promise));
  socket.write(Buffer.concat([request(3, "Wait"), vector(vectors, "half-close")]));
  socket.write(encodeFrame({ streamId: 3, type: FrameType.Data, flags: 0, payload: Buffer.from("x") }));
  expect(statusOf((await answers(1))[0]).code).toBe(Code.InvalidArgument);
  exit.resolve({});
});

test("a probe that closes at once, and a peer that dies, end only their connection", async () => {
  const signals: AbortSignal[] = [];
  const { server, socket } = await serve(
    connect,
    unary(task.wait, (_, { signal }) => {
      signals.push(signal);
      return new Promise(() => {});
    }),
  );
  for (let probe = 0; probe < 20; probe += 1) {
    const [client, served] = await socketPair();
    server.serve(served);
    client.destroy();
  }
  socket.write(request(1, "Wait"));
  await until(() => signals.length === 1);
  socket.destroy();
  await until(() => signals[0]?.aborted === true);
});

test("random frames harm nobody", async () => {
  const { socket, listen } = await serve(connect);
  listen();
  const next = random(42);
  for (let sent = 0; sent < 5000; sent += 1) {
    const payload = Buffer.from(Array.from({ length: next(0, 40) }, () => next(0, 255)));
    socket.write(encodeFrame({ streamId: next(0, 200), type: next(0, 4), flags: next(0, 255), payload }));
  }
  const answered = Promise.withResolvers<void>();
  const decoder = new FrameDecoder();
  socket.on("data", (chunk: Buffer) => {
    for (const frame of decoder.consume(chunk)) if (frame.streamId === 0xffff_ffff) answered.resolve();
  });
  socket.write(request(0xffff_ffff, "Connect"));
  await answered.promise;
});

test("a peer that does not read is not read from", async () => {
  let calls = 0;
  const id = "x".repeat(10_000);
  const { socket, served, listen, frames } = await serve(
    unary(task.state, () => {
      calls += 1;
      return { id };
    }),
  );
  for (let call = 0; call < 10_000; call += 1) socket.write(request(call * 2 + 1, "State"));
  const stalled = await settled(() => calls);
  // One chunk of 64 KiB holds some 1700 of these requests.
  expect(stalled).toBeLessThan(4000);
  expect(served.isPaused()).toBe(true);
  listen();
  await until(() => calls === 10_000);
  await settled(() => frames.length);
  expect(frames).toHaveLength(10_000);
}, 20_000);

test("calls that do not end are bounded in number", async () => {
  const release = Promise.withResolvers<object>();
  let calls = 0;
  const { socket, answers } = await serve(
    unary(task.wait, () => {
      calls += 1;
      return release.promise;
    }),
  );
  const wait = encode(task.wait.request, { id: "c1" });
  socket.write(Buffer.concat(Array.from({ length: 20_000 }, (_, call) => request(call * 2 + 1, "Wait", wait))));
  expect(await settled(() => calls)).toBeLessThan(8000);
  release.resolve({});
  await answers(20_000);
}, 20_000);
