import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

let directory = "";
let program = "";

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "share-"));
  program = join(directory, "microvm-share");
  execFileSync(join(import.meta.dirname, "helper.sh"), [join(import.meta.dirname, "share.c"), program]);
  for (const name of ["one", "two"]) mkdirSync(join(directory, name));
});
afterAll(() => rmSync(directory, { recursive: true }));

const SCRIPT = 'readlink /proc/self/ns/mnt; echo "error=$MICROVM_SHARE_ERROR"; cat /proc/self/mountinfo';

/** What a program of the namespace says of it. */
function within(...directories: string[]) {
  const env = { ...process.env, MICROVM_SHARE_ERROR: "somebody else's" };
  const args = [...directories, "--", "sh", "-c", SCRIPT];
  const [namespace, error, ...mounts] = execFileSync(program, args, { env, encoding: "utf8" }).split("\n");
  const at = (path: string) => mounts.find((line) => line.split(" ")[4] === path);
  return { namespace, error, at };
}

test("the directories are shared mounts in a namespace of its own, the rest receives what the host mounts", () => {
  const { namespace, error, at } = within(join(directory, "one"), join(directory, "two"));
  expect(namespace).not.toBe(execFileSync("readlink", ["/proc/self/ns/mnt"], { encoding: "utf8" }).trim());
  expect(error).toBe("error=");
  for (const name of ["one", "two"]) expect(at(join(directory, name))).toContain(" shared:");
  expect(at("/")).not.toContain(" shared:");
});

test("what goes wrong is told to the program", () => {
  expect(within(join(directory, "none")).error).toBe(
    `error=cannot bind ${join(directory, "none")}: No such file or directory`,
  );
});

test("a program that cannot be run is an error that names it", () => {
  expect(() => execFileSync(program, ["--", "/no/such"], { stdio: "pipe" })).toThrow(
    "microvm-share: /no/such: No such file or directory",
  );
});
