import { expect, test } from "vitest";
import { taskMethods } from "../containerd/task.ts";
import { guest } from "../guest/methods.ts";
import { readVectors, vector } from "../testdata/vectors.ts";
import { Code } from "./code.ts";
import { type Codec, decode, encode } from "./codec.ts";
import { FrameDecoder } from "./decode.ts";
import { decodeRequest, decodeResponse, encodeFailure, encodeRequest, encodeSuccess } from "./envelope.ts";
import { encodeFrame, type Frame } from "./frame.ts";
import { RpcError } from "./rpc-error.ts";

const vectors = readVectors("ttrpc.vectors");

function frameOf(name: string): Frame {
  const [frame] = new FrameDecoder().consume(vector(vectors, name));
  if (!frame?.payload) throw new Error(`${name} is no frame`);
  return frame;
}

const kill = { id: "c1", signal: 9, all: true };
const metadata = [{ key: "containerd-namespace-ttrpc", value: "default" }];
const stdio = { stdin: 1, stdout: 2, stderr: 3 };

test.each([
  ["request-kill", taskMethods(3).kill, kill, { timeoutNano: 10_000_000_000, metadata }],
  ["request-wait", taskMethods(2).wait, { id: "c1", execId: "e1" }, {}],
  ["request-hello", guest.hello, { version: 1 }, {}],
  ["request-events", guest.events, {}, {}],
  ["request-create", guest.create, { containerId: "c1", spec: Buffer.from("{}"), stdio }, {}],
])("%s is written and read", (name, method, message, extra) => {
  const frame = frameOf(name);
  const payload = encode(method.request as Codec<object>, message);
  const request = { service: method.service, method: method.name, payload, ...extra };
  expect(encodeFrame({ ...frame, payload: encodeRequest(request) })).toEqual(vector(vectors, name));
  const decoded = decodeRequest(frame.payload);
  expect(decoded).toMatchObject({ service: method.service, method: method.name, ...extra });
  expect(method.request.decode(decoded.payload)).toMatchObject(message);
});

test.each([
  ["response-wait", taskMethods(3).wait, { exitStatus: 137, exitedAt: { seconds: 1_700_000_000, nanos: 5 } }],
  ["response-empty", taskMethods(3).kill, {}],
  ["response-hello", guest.hello, { version: 1, kernel: "6.12.0", uptimeNs: 250_000_000 }],
])("%s is written and read", (name, method, message) => {
  const frame = frameOf(name);
  const codec = method.response as Codec<object>;
  expect(encodeFrame({ ...frame, payload: encodeSuccess(encode(codec, message)) })).toEqual(vector(vectors, name));
  expect(codec.decode(decodeResponse(frame.payload))).toMatchObject(message);
});

test.each([
  ["response-not-found", Code.NotFound, "container c1: not found"],
  ["response-unimplemented", Code.Unimplemented, "service containerd.task.v3.Task"],
] as const)("%s is written and read", (name, code, message) => {
  const frame = frameOf(name);
  const payload = encodeFailure(new RpcError(code, message));
  expect(encodeFrame({ ...frame, payload })).toEqual(vector(vectors, name));
  expect(() => decodeResponse(frame.payload)).toThrow(expect.objectContaining({ code, message }));
});

test("events-data-exit and events-data-oom are read", () => {
  const exit = decode(guest.events.response, frameOf("events-data-exit").payload);
  expect(exit.exit).toMatchObject({ containerId: "c1", execId: "e1", exitStatus: 137 });
  expect(exit.oom).toBeNull();
  const oom = decode(guest.events.response, frameOf("events-data-oom").payload);
  expect(oom.oom?.containerId).toBe("c1");
});

test("a status of an unknown number is Unknown", () => {
  // {status {code 99}}
  expect(() => decodeResponse(Buffer.from("0a020863", "hex"))).toThrow(expect.objectContaining({ code: Code.Unknown }));
});

test("a status of 0 is success", () => {
  // {status {}, payload "x"}, which is how other servers may say it
  expect(decodeResponse(Buffer.from("0a00120178", "hex"))).toEqual(Buffer.from("x"));
});
