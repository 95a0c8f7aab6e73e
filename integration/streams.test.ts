/** Where output goes: files and loggers beside runc's, readers that die or stall, children that keep the pipes. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { within } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { type Lab, useLab, VERSIONS } from "./harness/lab.ts";
import { microvm, runc, runtime } from "./harness/paths.ts";
import { pidsOf, read } from "./harness/proc.ts";
import { removeFifos } from "./harness/remains.ts";
import { bindFlags, buildProbe, PROBE } from "./volumes/host.ts";

/** Both streams, a status, and more than one write. */
const TALK = ["sh", "-c", "echo out; echo err >&2; echo more; exit 3"];

/** Writes all it is told to files beside it, in bash; opens one stream anew, as it can with a pipe. */
const LOGGER = `#!/bin/bash
PATH=/usr/bin:/bin
cd "$(dirname "$0")" || exit 1
printf '%s\\n' "$@" > args
tr '\\0' '\\n' < /proc/$$/environ | sed 's/CONTAINER_ID=.*/CONTAINER_ID=id/' | sort > env
test -p /dev/fd/3 && test -p /dev/fd/4 && echo pipes > kind
exec 7< /dev/fd/4
echo >&5
exec 5>&-
cat <&3 > out & cat <&7 > err &
wait
echo whole > end
`;

function freshDirectory(lab: Lab): string {
  return mkdtempSync(join(lab.containerd.directory, "logs-"));
}

function contentsOf(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name), "latin1")]),
  );
}

/** Resident memory of the one shim that runs, in MiB. */
function shimMemory(): number {
  const [pid] = pidsOf(/containerd-shim-microvm-v2\0daemon/);
  if (pid === undefined) throw new Error("no shim runs");
  return Number(/VmRSS:\s+(\d+)/.exec(read(pid, "status"))?.[1]) / 1024;
}

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);

  test("file:// takes both streams, as under runc", async () => {
    const results = [];
    for (const name of [runc, microvm]) {
      const path = join(freshDirectory(lab), "made for it/log");
      const flags = ["--log-uri", `file://${path.replaceAll(" ", "%20")}`];
      const { code, stdout } = await lab.run(TALK, { runtime: name, flags });
      const lines = readFileSync(path, "latin1").split("\n");
      results.push({ code, stdout: stdout.toString(), out: lines.filter((line) => line !== "err"), all: lines.sort() });
    }
    const [{ all: theirs = [], ...rest } = {}, ours] = results;
    expect(ours).toMatchObject({ ...rest, code: 3, out: ["out", "more", ""], all: ["", "err", "more", "out"] });
    // runc's shim closes the file with the first stream that ends, and may lose what the other one has left.
    expect(ours?.all).toEqual(expect.arrayContaining(theirs));
  });

  test("a pipe of the container holds 256 KiB, where runc's client makes one of 64 KiB", async () => {
    const flags = bindFlags(buildProbe(join(lab.containerd.directory, "bin")), PROBE, "ro");
    const capacities = [];
    for (const name of [runc, microvm]) {
      const { stdout } = await lab.run([`${PROBE}/probe`, "--capacity"], { runtime: name, flags });
      capacities.push(Number(stdout));
    }
    expect(capacities).toEqual([64 << 10, 256 << 10]);
  });

  test("binary:// gets arguments, environment and both streams, as under runc", async () => {
    const results = [];
    for (const name of [runc, microvm]) {
      const directory = freshDirectory(lab);
      writeFileSync(join(directory, "logger"), LOGGER, { mode: 0o755 });
      const flags = ["--log-uri", `binary://${directory}/logger?key=a%20value`];
      const { code } = await lab.run(TALK, { runtime: name, flags });
      results.push({ code, ...contentsOf(directory) });
    }
    expect(results[1]).toEqual({
      code: 3,
      args: "key\na value\n",
      env: "CONTAINER_ID=id\nCONTAINER_NAMESPACE=default\n",
      kind: "pipes\n",
      out: "out\nmore\n",
      err: "err\n",
      end: "whole\n",
      logger: LOGGER,
    });
    // runc's shim ends a logger by SIGTERM at once; whether it came to its last line is a race there.
    expect({ ...results[0], end: "whole\n" }).toEqual(results[1]);
  });

  test.each([
    ["is not there", "/nonexistent/logger", "cannot be started"],
    ["ends before it is ready", "/bin/false", "ended with exit status 1 before it was ready"],
  ])("a logger that %s is the client's error", async (_, path, reason) => {
    const { code, stderr } = await lab.run(["true"], { flags: ["--log-uri", `binary://${path}`], runtime: microvm });
    expect(code).toBe(1);
    expect(stderr.toString()).toContain(`the logger ${path} ${reason}`);
  });

  test("10 MB are in the file to the byte when the client has its answer", async () => {
    const directory = freshDirectory(lab);
    const bytes = randomBytes(10_000_000);
    writeFileSync(join(directory, "in"), bytes);
    const flags = [
      "--log-uri",
      `file://${directory}/log`,
      "--mount",
      `type=bind,src=${directory},dst=/d,options=rbind:ro`,
    ];
    const { code } = await lab.run(["cat", "/d/in"], { flags });
    expect(code).toBe(0);
    expect(readFileSync(join(directory, "log")).equals(bytes)).toBe(true);
  });

  test("both streams to one file lose nothing, each in its order", async () => {
    const path = join(freshDirectory(lab), "log");
    const count = (letter: string) => `i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo ${letter} $i; done`;
    await lab.run(["sh", "-c", `(${count("a")}) & (${count("b")}) >&2; wait`], {
      flags: ["--log-uri", `file://${path}`],
    });
    const lines = readFileSync(path, "latin1").split("\n");
    const numbers = Array.from({ length: 3000 }, (_, n) => n + 1);
    for (const letter of ["a", "b"]) {
      const of = lines.filter((line) => line.startsWith(`${letter} `));
      expect(of.map((line) => Number(line.slice(2)))).toEqual(numbers);
    }
    expect(lines.length).toBe(6001);
  });

  test("a container outlives its reader, and another reader goes on", async () => {
    const id = lab.freshId();
    const script = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.1; done";
    const client = lab.containerd.hold(["run", "--runtime", runtime, IMAGE, id, "sh", "-c", script]);
    await client.printed("line 3\n");
    client.kill("SIGKILL");
    await client.done;
    const read = Number(client.stdout.toString().trim().split(" ").at(-1));
    const other = lab.containerd.hold(["task", "attach", id]);
    await other.printed(`line ${read + 20}\n`);
    await lab.containerd.mustCtr(["task", "kill", "-s", "SIGKILL", id]);
    await other.done;
    await lab.containerd.ctr(["task", "rm", id]);
    await lab.containerd.mustCtr(["container", "rm", id]);
    // The client that made them was killed.
    removeFifos();
  });
});

describe("containerd 2.4 alone", () => {
  const lab = useLab("2.4");

  test("a flood into a reader that stalls costs little memory, and the other stream flows", async () => {
    const script = "yes & i=0; while [ $i -lt 30 ]; do i=$((i+1)); echo alive $i >&2; sleep 0.1; done; kill $!";
    const args = ["run", "--rm", "--runtime", microvm, IMAGE, lab.freshId(), "sh", "-c", script];
    const [program, ...rest] = lab.containerd.argv(args);
    // Nobody reads its standard output, so ctr reads the fifo no more once that pipe is full.
    const client = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
    const ended = once(client, "close");
    const memory: number[] = [];
    const reading = (async () => {
      for await (const line of createInterface({ input: client.stderr })) {
        if (line.startsWith("alive ")) memory.push(shimMemory());
        if (line === "alive 30") break;
      }
    })();
    await within(60_000, "the other stream flows to its end", reading);
    client.stdout.resume();
    await within(20_000, "the client ends", ended);
    expect(memory.length).toBe(30);
    expect(Math.max(...memory) - Math.min(...memory)).toBeLessThan(16);
  });

  test("an exec whose child keeps the pipes ends all the same", async () => {
    const id = lab.freshId();
    await lab.containerd.mustCtr(["run", "-d", "--runtime", runtime, IMAGE, id, "sleep", "1000"]);
    const exec = ["task", "exec", "--exec-id", "e1", id, "sh", "-c", "sleep 999 & echo hi; exit 4"];
    const { code, stdout, ms } = await lab.containerd.ctr(exec);
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 4, stdout: "hi\n" });
    expect(ms).toBeLessThan(10_000);
    await lab.containerd.mustCtr(["task", "rm", "-f", id]);
    await lab.containerd.mustCtr(["container", "rm", id]);
  });
});
