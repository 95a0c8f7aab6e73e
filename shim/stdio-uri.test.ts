import { expect, test } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import { inputPath, outputTarget } from "./stdio-uri.ts";

const file = (path: string) => ({ scheme: "file", path });
const fifo = (path: string) => ({ scheme: "fifo", path });
const binary = (path: string, ...args: string[]) => ({ scheme: "binary", path, args, saysReady: false });

test.each([
  ["/run/a-stdout", fifo("/run/a-stdout")],
  ["/run/a%20b?c#d:e", fifo("/run/a%20b?c#d:e")],
  ["fifo:///run/a%20b", fifo("/run/a b")],
  ["file:///var/log/x", file("/var/log/x")],
  ["FILE:///x", file("/x")],
  ["file:/x", file("/x")],
  ["file:///a%20b%2Fc%25%23?q=1#part", file("/a b/c%#")],
  ["file:///a+b", file("/a+b")],
  ["file:///%C3%A9", file("/é")],
  ["binary:///bin/l", binary("/bin/l")],
  ["binary:///bin/l?", binary("/bin/l")],
  ["binary:///bin/l?key=value&flag&=x", binary("/bin/l", "key", "value", "flag", "", "", "x")],
  ["binary:///bin/l?a+b=c%2Bd%26%3D&e=f=g", binary("/bin/l", "a b", "c+d&=", "e", "f=g")],
  ["binary:///bin/l?a=1&&b=2&a=3#x", binary("/bin/l", "a", "1", "b", "2")],
  ["binary-v2:///bin/l", { scheme: "binary", path: "/bin/l", args: [], saysReady: true }],
])("%s", (uri, target) => {
  expect(outputTarget(uri)).toEqual(target);
});

test("an empty path is no stream", () => {
  expect(outputTarget("")).toBeUndefined();
  expect(inputPath("")).toBeUndefined();
});

test.each([
  ["run/a", "not an absolute path"],
  ["/run/a\0b", "a zero byte"],
  ["file:x", "not an absolute path"],
  ["file://", "not an absolute path"],
  ["file://tmp/x", '"tmp" is a host'],
  ["file:///a%2", "a bad percent-encoding"],
  ["file:///a%zz", "a bad percent-encoding"],
  ["file:///a%00b", "a zero byte"],
  ["binary:///l?a=%ff", "a bad percent-encoding"],
  ["binary:///l?a=b;c", "an unescaped semicolon"],
])("%s is refused", (uri, reason) => {
  expect(() => outputTarget(uri)).toThrow(expect.objectContaining({ code: Code.InvalidArgument }));
  expect(() => outputTarget(uri)).toThrow(reason);
});

test.each(["npipe:////./pipe/x", "ttrpc+unix:///run/s?streaming_id=1"])("%s is not supported", (uri) => {
  expect(() => outputTarget(uri)).toThrow(expect.objectContaining({ code: Code.Unimplemented }));
});

test("standard input is a fifo or nothing", () => {
  expect(inputPath("/run/in")).toBe("/run/in");
  expect(() => inputPath("file:///x")).toThrow(expect.objectContaining({ code: Code.Unimplemented }));
});
