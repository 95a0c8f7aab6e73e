import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { debugScope, sendDebug } from "./debug.ts";

let lines: string[] = [];
const sink = (scope: string, line: string) => void lines.push(`${scope}: ${line}`);

beforeEach(() => {
  lines = [];
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test.each([
  ["microvm-qmp", ["microvm-qmp"]],
  ["MICROVM-QMP,fs", ["microvm-qmp"]],
  ["microvm-*", ["microvm-qmp", "microvm-ttrpc"]],
  ["microvm", []],
  ["microvm.qmp", []],
  ["", []],
])("NODE_DEBUG=%s turns on %j", (value, scopes) => {
  vi.stubEnv("NODE_DEBUG", value);
  sendDebug(sink);
  for (const scope of ["microvm-qmp", "microvm-ttrpc"]) debugScope(scope)("x");
  expect(lines).toEqual(scopes.map((scope) => `${scope}: x`));
});

test("a scope that is always wanted needs no variable, and values are formatted", () => {
  vi.stubEnv("NODE_DEBUG", "");
  const debug = debugScope("microvm-vm");
  sendDebug(sink, ["microvm-vm"]);
  debug("%j %d", ["a b"], 3);
  debug("%s", "x".repeat(100_000));
  expect(lines[0]).toBe('microvm-vm: ["a b"] 3');
  expect(lines[1]?.length).toBeLessThan(17_000);
});
