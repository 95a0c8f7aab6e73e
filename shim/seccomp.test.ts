import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Log } from "./log.ts";
import { SeccompCompiler, withFilter } from "./seccomp.ts";
import { SeccompCache } from "./seccomp-cache.ts";

const UID = 0x6d760001;
const SPEC = { linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW" }, cgroupsPath: "/c" }, annotations: { a: "b" } };

/** A program in the place of microvm-seccomp, and what is logged. `runs` tells how often it ran. */
function compilerWith(script: string) {
  const directory = mkdtempSync(join(tmpdir(), "seccomp-"));
  chmodSync(directory, 0o755);
  const tool = join(directory, "tool");
  const count = join(directory, "count");
  writeFileSync(count, "");
  chmodSync(count, 0o666);
  writeFileSync(tool, `#!/bin/sh\necho x >> ${count}\n${script}\n`);
  chmodSync(tool, 0o755);
  const lines: string[] = [];
  const log = { write: (level: string, message: string) => void lines.push(`${level}: ${message}`) } as unknown as Log;
  const cache = join(directory, "cache/seccomp");
  const compiler = new SeccompCompiler(tool, UID, log, cache);
  return { compiler, lines, cache, log, runs: () => readFileSync(count, "utf8").length / 2 };
}

test("a profile is compiled once, by a user that owns nothing", async () => {
  const { compiler, runs, cache } = compilerWith("cat > /dev/null; printf '%-8s' $(id -u | tail -c 8)");
  const first = await compiler.compile(SPEC, "c1");
  expect(Buffer.from(first ?? "", "base64").toString()).toBe(String(UID).slice(-7).padEnd(8));
  expect(await compiler.compile(SPEC, "c2")).toBe(first);
  expect(runs()).toBe(1);
  await compiler.compile({ linux: { seccomp: { defaultAction: "SCMP_ACT_LOG" } } }, "c3");
  expect(runs()).toBe(2);
  expect(readdirSync(cache)).toHaveLength(2);
});

test.each([
  ["fails", "echo 'bad profile' >&2; exit 1", "bad profile"],
  ["writes no filter", "printf 1234567", "wrote 7 bytes, which are no filter"],
  ["writes nothing", "exit 0", "wrote 0 bytes"],
  ["writes without end", "cat /dev/zero", "MAXBUFFER"],
])("a tool that %s leaves it to the guest", async (_, script, why) => {
  const { compiler, lines, cache } = compilerWith(script);
  expect(await compiler.compile(SPEC, "c1")).toBeUndefined();
  expect(lines).toEqual([expect.stringMatching(/^warning: the guest compiles the seccomp profile: /)]);
  expect(lines[0]).toContain(why);
  expect(readdirSync(cache)).toEqual([]);
});

test("a profile with flags or a listener is the guest's, and none is none", async () => {
  const { compiler, runs, lines } = compilerWith("printf 12345678");
  for (const seccomp of [undefined, { flags: [] }, { listenerPath: "/run/x" }])
    expect(await compiler.compile({ linux: { seccomp } }, "c1")).toBeUndefined();
  expect([runs(), lines]).toEqual([0, []]);
});

test("a cache that others could write to is not used", async () => {
  const { compiler, lines, cache, runs } = compilerWith("printf 12345678");
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o777);
  expect(await compiler.compile(SPEC, "c1")).toBe(Buffer.from("12345678").toString("base64"));
  await compiler.compile(SPEC, "c1");
  expect(runs()).toBe(2);
  expect(lines[0]).toMatch(/^warning: no seccomp cache: .* is not a directory of ours alone$/);
  expect(() => new SeccompCache(linkTo(cache))).toThrow("is not a directory of ours alone");
});

function linkTo(target: string): string {
  const path = join(dirname(target), "link");
  symlinkSync(target, path);
  return path;
}

test("the cache keeps to its number, the newest", async () => {
  const directory = join(mkdtempSync(join(tmpdir(), "seccomp-")), "cache");
  const cache = new SeccompCache(directory);
  for (let n = 0; n < 70; n++) await cache.write(`k${n}`, Buffer.from("12345678"));
  expect(readdirSync(directory)).toHaveLength(64);
  expect(await cache.read("k69", 8)).toEqual(Buffer.from("12345678"));
  expect(await cache.read("k69", 7)).toBeUndefined();
  expect(await cache.read("k0", 8)).toBeUndefined();
});

test("with a filter the guest gets no profile", () => {
  expect(withFilter(SPEC, "Zg==")).toEqual({
    linux: { cgroupsPath: "/c" },
    annotations: { a: "b", "run.oci.seccomp_bpf_data": "Zg==" },
  });
  expect(withFilter(SPEC, undefined)).toBe(SPEC);
});
