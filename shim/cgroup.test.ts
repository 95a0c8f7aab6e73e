import { existsSync, mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Resources } from "./bundle.ts";
import { VmCgroup } from "./cgroup.ts";
import { place } from "./cgroup-files.ts";
import { removeCgroups } from "./cgroup-remove.ts";
import type { Log } from "./log.ts";

const warnings: string[] = [];
const log = { write: (_level: string, message: string) => void warnings.push(message) } as unknown as Log;

/** A file where a hierarchy should be: nothing can be made there. */
function broken(resources: Resources): VmCgroup {
  const root = join(mkdtempSync(join(tmpdir(), "cgroup-")), "file");
  writeFileSync(root, "");
  return new VmCgroup("/a/b", resources, 1, log, [{ version: 2, root, controllers: new Set() }]);
}

test("a cgroup that cannot be made is a warning without a limit, and nothing is placed", async () => {
  const cgroup = broken({ cpu: { shares: 100 } });
  cgroup.create();
  expect(warnings.pop()).toMatch(/^cannot place the VM in the cgroup \/a\/b: /);
  await cgroup.add(1);
  cgroup.limitTime();
  await cgroup.remove();
  expect(warnings).toEqual([]);
});

test("a cgroup that cannot be made is an error where a limit depends on it", () => {
  expect(() => broken({ memory: { limit: 1 } }).create()).toThrow("cannot place the VM in the cgroup /a/b");
});

test("without a path nothing is made", async () => {
  const cgroup = new VmCgroup(undefined, { memory: { limit: 1 } }, 1, log, [
    { version: 1, root: "/nonexistent", controllers: new Set() },
  ]);
  cgroup.create();
  await cgroup.add(1);
  expect(cgroup.directories).toEqual([]);
});

test("what is there is removed, what is gone is no error", async () => {
  const root = mkdtempSync(join(tmpdir(), "cgroup-"));
  mkdirSync(join(root, "a"));
  await removeCgroups([join(root, "a"), join(root, "gone")]);
  expect(existsSync(join(root, "a"))).toBe(false);
});

test("a process that has ended meanwhile needs no place, any other failure is told", async () => {
  const failing = (code: string) => () => Promise.reject(Object.assign(new Error(code), { code }));
  await place(1, "/a", failing("ESRCH"));
  await expect(place(1, "/a", failing("EBUSY"))).rejects.toThrow("EBUSY");
});

test("what was made is removed, also when a process could not be moved in", async () => {
  const root = mkdtempSync(join(tmpdir(), "cgroup-"));
  const cgroup = new VmCgroup("/a", {}, 1, log, [{ version: 2, root, controllers: new Set() }]);
  cgroup.create();
  mkdirSync(join(root, "a/below"));
  await cgroup.add(process.pid);
  expect(warnings.pop()).toMatch(/^cannot place the VM in the cgroup \/a: ENOENT/);
  rmdirSync(join(root, "a/below"));
  await cgroup.remove();
  expect(existsSync(join(root, "a"))).toBe(false);
});
