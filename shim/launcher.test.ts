import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { buildHelper } from "../vmm/testing/helper.ts";

const FLAGS = ["-namespace", "default", "-id", "c1"];

let directory = "";
let launcher = "";
let shim = "";

beforeAll(() => {
  const built = buildHelper(join(import.meta.dirname, "launcher"), "bin/containerd-shim-microvm-v2");
  ({ directory, program: launcher } = built);
  shim = join(directory, "bin/microvm-shim");
});
afterEach(() => rmSync(shim, { force: true }));
afterAll(() => rmSync(directory, { recursive: true }));

/** Puts a shell script in the place of the shim. */
function shimIs(script: string): void {
  writeFileSync(shim, `#!/bin/sh\n${script}\n`);
  chmodSync(shim, 0o755);
}

/** The same; what it prints is its answer, in one message. */
function answers(script: string): void {
  const report = join(directory, "report");
  shimIs(`{ printf '\\0'\n${script}\n} > ${report}\ncat ${report} >&3`);
}

function launch(args: readonly string[], input = "") {
  const { status, stdout, stderr } = spawnSync(launcher, args, { input, encoding: "utf8", timeout: 10_000 });
  return { status, stdout, stderr };
}

test("start hands on the daemon's answer, whatever it does afterwards", () => {
  shimIs("printf '\\0address' >&3; exec 3>&-; sleep 20");
  expect(launch([...FLAGS, "start"])).toEqual({ status: 0, stdout: "address", stderr: "" });
  execFileSync("pkill", ["-f", shim]);
});

test("start hands on the daemon's error", () => {
  shimIs("printf '\\1it cannot\\n' >&3");
  expect(launch([...FLAGS, "start"])).toEqual({ status: 1, stdout: "", stderr: "it cannot\n" });
});

test("the daemon has its flags, the input, and nothing else of start", () => {
  answers(
    [
      `ls /proc/$$/fd > ${directory}/descriptors; echo "$@"; cat <&4; echo; echo "$MICROVM_DAEMON $MALLOC_ARENA_MAX"`,
      "pwd; cut -d' ' -f6 /proc/$$/stat; echo $$; readlink /proc/$$/ns/mnt; cat /proc/$$/oom_score_adj",
      "for fd in 0 1 2; do readlink /proc/$$/fd/$fd; done",
    ].join("\n"),
  );
  const { status, stdout } = launch([...FLAGS, "start"], "what containerd says");
  const [args, input, variables, cwd, group, pid, namespace, score, ...files] = stdout.trim().split("\n");
  expect(status).toBe(0);
  expect([args, input, variables]).toEqual([`daemon ${FLAGS.join(" ")}`, "what containerd says", "1 1"]);
  expect([cwd, group]).toEqual([process.cwd(), pid]);
  expect(namespace).not.toBe(execFileSync("readlink", ["/proc/self/ns/mnt"], { encoding: "utf8" }).trim());
  expect(Number(score)).toBe(Math.min(Number(readFileSync("/proc/self/oom_score_adj", "utf8")) + 1, 1000));
  expect(files).toEqual(["/dev/null", join(directory, "report"), "/dev/null"]);
  // Those from 10 on are the shell's own.
  const descriptors = readFileSync(join(directory, "descriptors"), "utf8").trim().split("\n").map(Number);
  expect(descriptors.filter((fd) => fd < 10).sort()).toEqual([0, 1, 2, 3, 4]);
});

test.each([
  ["exit 3", "microvm-shim ended with exit status 3 before it was ready\n"],
  ["kill -KILL $$", "microvm-shim ended with signal 9 before it was ready\n"],
  ["exec 3>&-; sleep 20", "microvm-shim ended with signal 9 before it was ready\n"],
])("a daemon that says nothing is an error: %s", (script, message) => {
  shimIs(script);
  expect(launch([...FLAGS, "start"])).toEqual({ status: 1, stdout: "", stderr: message });
});

test("directories become shared mounts of the daemon's namespace, and nothing else does", () => {
  const names = ["one", "two"].map((name) => join(directory, name));
  for (const name of names) mkdirSync(name);
  answers(
    `printf '\\2${names.join("\\0")}\\0' >&3; dd bs=8192 count=1 <&3 2> /dev/null; echo; cat /proc/self/mountinfo`,
  );
  const { status, stdout } = launch([...FLAGS, "start"]);
  const [answer, ...mounts] = stdout.split("\n");
  const at = (path: string) => mounts.find((line) => line.split(" ")[4] === path);
  expect([status, answer]).toEqual([0, "\0"]);
  for (const name of names) expect(at(name)).toContain(" shared:");
  expect(at("/")).toBeDefined();
  expect(at("/")).not.toContain(" shared:");
  expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain(directory);
});

test("a directory that cannot be shared is named to the daemon", () => {
  answers("printf '\\2/no/such\\0' >&3; dd bs=8192 count=1 <&3 2> /dev/null");
  expect(launch([...FLAGS, "start"]).stdout).toBe("cannot share /no/such: No such file or directory\0");
});

test("delete is answered from the bundle if it says that nothing is left", () => {
  shimIs("echo the shim");
  const args = ["-id", "c1", "-bundle", directory, "delete"];
  expect(launch(args).stdout).toBe("the shim\n");
  writeFileSync(join(directory, "deleted"), "nothing is left");
  expect(launch(args)).toEqual({ status: 0, stdout: "nothing is left", stderr: "" });
  expect(launch(["-id", "c1", "delete"]).stdout).toBe("the shim\n");
});

test("any other action is the shim's, with its streams", () => {
  shimIs('echo "$@"; cat; echo oops >&2; exit 7');
  expect(launch(["-id", "start", "delete"], "in")).toEqual({
    ...{ status: 7, stdout: "-id start delete\nin", stderr: "oops\n" },
  });
});

test("the shim is found where it is installed, and missed by name", () => {
  expect(launch(["-v"]).stderr).toMatch(
    /^containerd-shim-microvm-v2: neither .*\/bin\/microvm-shim nor .*make install/,
  );
  const installed = join(directory, "libexec/microvm/microvm-shim");
  mkdirSync(dirname(installed), { recursive: true });
  shimIs("echo installed");
  renameSync(shim, installed);
  expect(launch(["-v"]).stdout).toBe("installed\n");
});
