import { existsSync, mkdtempSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { StateDir } from "./state-dir.ts";

test("a socket of virtiofsd has a path that fits, however long the names are", () => {
  const { runDir } = new StateDir("n".repeat(76), "c".repeat(76));
  expect(join(runDir, "volumes.sock").length).toBeLessThan(107);
  expect(runDir).not.toBe(new StateDir("n".repeat(76), `${"c".repeat(75)}d`).runDir);
});

test("what was made is removed, what others have stays", () => {
  const root = mkdtempSync(join(tmpdir(), "state-"));
  const [one, two] = [new StateDir("ns", "one", root), new StateDir("ns", "two", root)];
  one.create();
  two.create();
  const { mode, uid } = statSync(one.runDir);
  expect([mode & 0o777, uid]).toEqual([0o700, one.uid]);
  expect(one.uid).not.toBe(two.uid);
  one.remove();
  expect([existsSync(one.path), existsSync(one.runDir), existsSync(two.path), existsSync(two.runDir)]).toEqual([
    false,
    false,
    true,
    true,
  ]);
  two.remove();
  expect(readdirSync(root)).toEqual([]);
});
