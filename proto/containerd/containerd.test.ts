import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { containerd, google, runtimeoptions } from "../gen/messages.js";
import { encode } from "../ttrpc/codec.ts";
import { packAny, packJson, unpackAny } from "./any.ts";
import { decodeStartInput, encodeBootstrapResult } from "./bootstrap.ts";
import { packEvent, TaskExit, topics } from "./events.ts";
import { unpackRuncOptions, unpackRuntimeOptions } from "./messages.ts";
import { taskMethods } from "./task.ts";
import { nanoseconds, timestamp } from "./timestamp.ts";

const { BootstrapParams, BootstrapResult } = containerd.runtime.bootstrap.v1;
const flags = { id: "c1", namespace: "default" };
const { Options } = runtimeoptions.v1;

test("the Task service of version 2 differs from version 3 in its package only", () => {
  const [v2, v3] = [2, 3].map((version) =>
    readFileSync(new URL(`../vendor/runtime/task/v${version}/shim.proto`, import.meta.url), "utf8"),
  );
  expect(v2?.replaceAll("task.v2", "task.v3").replaceAll("task/v2", "task/v3")).toBe(v3);
});

test("the methods are those of the interface file", () => {
  const proto = readFileSync(new URL("../vendor/runtime/task/v3/shim.proto", import.meta.url), "utf8");
  const names = [...proto.matchAll(/rpc (\w+)\(/g)].map(([, name]) => name);
  const methods = Object.values(taskMethods(2));
  expect(methods.map(({ name }) => name).sort()).toEqual(names.sort());
  expect(new Set(methods.map(({ service }) => service))).toEqual(new Set(["containerd.task.v2.Task"]));
});

test("nothing on the standard input is no options", () => {
  expect(decodeStartInput(Buffer.alloc(0), flags)).toEqual({ kind: "empty" });
});

test("options on the standard input are told from bootstrap parameters", () => {
  const options = packAny("runtimeoptions.v1.Options", Options, { configPath: "/etc/x.toml" });
  const input = decodeStartInput(encode(google.protobuf.Any, options), flags);
  if (input.kind !== "options") throw new Error(input.kind);
  expect(unpackRuntimeOptions(input.options)?.configPath).toBe("/etc/x.toml");
  expect(unpackRuncOptions(input.options)).toBeUndefined();
});

test("an Any that reads as bootstrap parameters of another instance is an Any", () => {
  const any = encode(google.protobuf.Any, { type_url: "c1", value: Buffer.from("other") });
  expect(decodeStartInput(any, flags).kind).toBe("options");
  expect(decodeStartInput(any, { id: "c1", namespace: "other" }).kind).toBe("bootstrap");
});

test("bootstrap parameters are read", () => {
  const value = packAny("runtimeoptions.v1.Options", Options, { configBody: Buffer.from("a=1") });
  const sent = { instanceId: "c1", namespace: "default", logLevel: -4, extensions: [{ value }, {}] };
  const input = decodeStartInput(encode(BootstrapParams, sent), flags);
  if (input.kind !== "bootstrap") throw new Error(input.kind);
  expect(input.params).toMatchObject({ instanceId: "c1", logLevel: -4, containerdBinary: "", socketDir: undefined });
  expect(input.params.extensions).toHaveLength(1);
  const withDir = decodeStartInput(encode(BootstrapParams, { ...sent, socketDir: "/run/x" }), flags);
  expect(withDir).toMatchObject({ params: { socketDir: "/run/x" } });
});

test("what is neither is an error", () => {
  expect(() => decodeStartInput(Buffer.from("0aff", "hex"), flags)).toThrow();
});

test("the bootstrap result does not end in white space", () => {
  const bytes = encodeBootstrapResult({ version: 3, address: "unix:///run/containerd/s/abc" });
  expect(BootstrapResult.decode(bytes)).toMatchObject({ version: 3, protocol: "ttrpc" });
  expect(String.fromCharCode(bytes.at(-1) ?? 0)).toBe("c");
});

test("events have bare type URLs, and a topic each", () => {
  const event = packEvent("containerd.events.TaskExit", TaskExit, { containerId: "c1", id: "c1", exitStatus: 137 });
  expect(event.type_url).toBe("containerd.events.TaskExit");
  expect(TaskExit.decode(event.value)).toMatchObject({ containerId: "c1", exitStatus: 137 });
  const types = Object.keys(topics).map((type) => type.replace("containerd.events.", ""));
  for (const type of types) expect(containerd.events).toHaveProperty(type);
});

test("an Any is unpacked by its name, with or without a host", () => {
  const any = packAny("x/runtimeoptions.v1.Options", Options, { typeUrl: "t" });
  expect(unpackAny(any, "runtimeoptions.v1.Options", Options)?.typeUrl).toBe("t");
  expect(Buffer.from(packJson("x", { a: 1 }).value).toString()).toBe('{"a":1}');
});

test("times before and after the epoch are whole seconds and nanoseconds forward", () => {
  expect(timestamp(new Date(1_700_000_000_123))).toEqual({ seconds: 1_700_000_000, nanos: 123_000_000 });
  expect(timestamp(-1n)).toEqual({ seconds: -1, nanos: 999_999_999 });
  for (const ns of [0n, 1n, -1_000_000_000n, 1_700_000_000_123_456_789n]) expect(nanoseconds(timestamp(ns))).toBe(ns);
});

test("64-bit numbers are numbers", () => {
  const { exitedAt } = taskMethods(3).wait.response.decode(
    encode(taskMethods(3).wait.response, { exitedAt: { seconds: 1_700_000_000, nanos: 1 } }),
  ) as containerd.task.v3.WaitResponse;
  expect(exitedAt?.seconds).toBe(1_700_000_000);
});
