/** The binary on its own: what containerd and people ask of it without a container. */
import { expect, test } from "vitest";
import { run } from "./harness/command.ts";
import { shimBinary } from "./harness/paths.ts";

test("-v names the runtime and the version", async () => {
  const { code, stdout } = await run([shimBinary, "-v"]);
  expect(code).toBe(0);
  expect(stdout.toString()).toMatch(/Runtime: io\.containerd\.microvm\.v2\n\s+Version: \d+\.\d+\.\d+\n/);
});

test("-info is a message with the runtime's name and its features", async () => {
  const { code, stdout, stderr } = await run([shimBinary, "-info"]);
  expect({ code, stderr: stderr.toString() }).toEqual({ code: 0, stderr: "" });
  expect(stdout.toString("latin1")).toContain("io.containerd.microvm.v2");
  expect(stdout.toString("latin1")).toContain("types.containerd.io/opencontainers/runtime-spec/1/features/Features");
  const [features = ""] = /\{.*\}/.exec(stdout.toString("latin1")) ?? [];
  const { mountOptions, linux } = JSON.parse(features);
  expect(mountOptions).toEqual(expect.arrayContaining(["ro", "rro", "rslave"]));
  expect(linux.namespaces).toContain("user");
});

test.each([
  [["-nonsense"], "unknown flag -nonsense"],
  [["nonsense"], 'unknown action "nonsense"'],
  [[], 'unknown action ""'],
  [["-id", "../x", "-namespace", "default", "delete"], '"../x" is not a valid identifier'],
])("%j is refused in one line", async (args, message) => {
  const { code, stdout, stderr } = await run([shimBinary, ...args]);
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: "" });
  expect(stderr.toString()).toContain(message);
  expect(stderr.toString().trim().split("\n")).toHaveLength(1);
});
