import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Hook } from "./bundle.ts";
import { owePoststop, payPoststop, runHooks } from "./hooks.ts";

const bundle = mkdtempSync(join(tmpdir(), "hooks-"));
const state = { id: "c1", status: "creating", pid: 42, bundle } as const;
const sh = (script: string, more: Partial<Hook> = {}): Hook => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  ...more,
});
const run = (...hooks: Hook[]) =>
  runHooks("createRuntime", { ociVersion: "1.1.0", hooks: { createRuntime: hooks } }, state);

test("a hook has its arguments and environment, and the state on its input", async () => {
  const script = join(bundle, "script");
  writeFileSync(script, '#!/bin/sh\n{ echo "$1"; env; pwd; cat; } > out\n');
  chmodSync(script, 0o755);
  const hooks = { poststop: [{ path: script, args: ["zero", "one"], env: ["A=b=c", "PATH=/usr/bin:/bin"] }] };
  const spec = { annotations: { k: "v" }, hooks };
  await runHooks("poststop", spec, { id: "c1", status: "stopped", bundle });
  const [argument, ...rest] = readFileSync(join(bundle, "out"), "utf8").split("\n");
  expect(argument).toBe("one");
  const names = rest.map((line) => line.split("=")[0]);
  expect(rest).toContain("A=b=c");
  expect(names).not.toContain("HOME");
  expect(rest.slice(-2)).toEqual([
    bundle,
    `{"ociVersion":"1.0.2","id":"c1","status":"stopped","bundle":"${bundle}","annotations":{"k":"v"}}`,
  ]);
});

test("the pid is told while there is one, and hooks may run elsewhere", async () => {
  const hooks = { createContainer: [sh('cat > "$OUT"; pwd >> "$OUT"', { env: [`OUT=${bundle}/state`, "PATH=/bin"] })] };
  await runHooks("createContainer", { ociVersion: "1.1.0", hooks }, state, "/usr");
  expect(readFileSync(join(bundle, "state"), "utf8")).toBe(
    `{"ociVersion":"1.1.0","id":"c1","status":"creating","pid":42,"bundle":"${bundle}"}/usr\n`,
  );
});

test("the first that fails is told in one line, and the next does not run", async () => {
  const next = sh("touch next");
  await expect(run(sh("true"), sh("echo out; echo a >&2; echo b >&2; exit 3"), next)).rejects.toThrow(
    /^error running createRuntime hook #1: exit status 3, stdout: out, stderr: a; b$/,
  );
  expect(() => readFileSync(join(bundle, "next"))).toThrow("ENOENT");
});

test.each<[string, Hook, string]>([
  ["is killed", sh("kill -9 $$"), "signal: SIGKILL, stdout: , stderr: "],
  ["is not there", { path: "/nonexistent" }, "spawn /nonexistent: ENOENT"],
  ["has no absolute path", { path: "sh" }, 'its path "sh" is not absolute'],
])("a hook that %s", async (_, hook, message) => {
  await expect(run(hook)).rejects.toThrow(`error running createRuntime hook #0: ${message}`);
});

test("a hook that is late ends, with what it has started", async () => {
  const late = sh("sleep 1000 & echo $! > child; wait", { timeout: 1 });
  await expect(run(late)).rejects.toThrow("hook ran past specified timeout of 1s");
  const pid = readFileSync(join(bundle, "child"), "utf8").trim();
  await expect.poll(() => stateOf(pid)).not.toMatch(/^[RSD]$/);
});

function stateOf(pid: string): string {
  try {
    return /State:\s+(\w)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "";
  } catch {
    return "";
  }
}

test("a hook need not read its input", async () => {
  const spec = { annotations: { big: "x".repeat(1_000_000) }, hooks: { createRuntime: [sh("exit 0")] } };
  await runHooks("createRuntime", spec, state);
});

test("poststop hooks run once, and only when they are owed", async () => {
  const spec = { hooks: { poststop: [sh("echo x >> poststop; exit 1")] } };
  const warnings: string[] = [];
  const pay = () => payPoststop(spec, "c1", bundle, (line) => warnings.push(line));
  await pay();
  owePoststop(spec, bundle);
  await pay();
  await pay();
  expect(readFileSync(join(bundle, "poststop"), "utf8")).toBe("x\n");
  expect(warnings).toEqual(["error running poststop hook #0: exit status 1, stdout: , stderr: "]);
});
