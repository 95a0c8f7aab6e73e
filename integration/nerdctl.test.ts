/** nerdctl as people use it, each command beside runc. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, visible } from "./harness/lab.ts";
import { Nerdctl } from "./harness/nerdctl.ts";
import { removeFifos } from "./harness/remains.ts";

const PROMPT = "ready> ";
const SHELL = `while printf '${PROMPT}'; read -r line; do eval "$line"; done; exit 9`;
const SERVE = "trap 'echo bye; exit 3' TERM; echo ready; n=0; while :; do sleep 0.1; done";

describe("nerdctl", () => {
  const lab = useLab("2.4");
  // nerdctl leaves the fifos that it makes, under any runtime.
  afterEach(removeFifos);

  /** A container in the background that has printed "ready", for the steps; it is removed after them. */
  async function served<T>(runtime: string, steps: (nerdctl: Nerdctl, name: string) => Promise<T>): Promise<T> {
    const nerdctl = new Nerdctl(lab.containerd, runtime);
    const name = lab.freshId();
    await nerdctl.must(nerdctl.runArgs(["-d", "--name", name, IMAGE, "sh", "-c", SERVE]));
    try {
      await until(20_000, "the log says ready", async () => {
        const { stdout } = await nerdctl.must(["logs", name]);
        return stdout.includes("ready") ? true : undefined;
      });
      return await steps(nerdctl, name);
    } finally {
      await nerdctl.run(["rm", "-f", name]);
    }
  }

  const text = async (result: ReturnType<Nerdctl["run"]>) => {
    const outcome = visible(await result);
    return { ...outcome, stderr: outcome.stderr.replaceAll(/time="[^"]*"/g, "") };
  };

  test("run: output, streams, exit status", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const nerdctl = new Nerdctl(lab.containerd, runtime);
      return text(nerdctl.run(nerdctl.runArgs(["--rm", IMAGE, "sh", "-c", "echo out; echo err >&2; exit 42"])));
    });
    expect(theirs).toMatchObject({ code: 42, stdout: "out\n" });
    expect(ours).toEqual(theirs);
  });

  test("run -i: what goes in comes out", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const nerdctl = new Nerdctl(lab.containerd, runtime);
      const client = nerdctl.hold(nerdctl.runArgs(["-i", "--rm", IMAGE, "sh", "-c", "echo ready; cat; exit 4"]), {
        keepStdin: true,
      });
      await client.printed("ready");
      client.stdin.end("one\ntwo");
      return visible(await client.done);
    });
    expect(theirs).toMatchObject({ code: 4, stdout: "ready\none\ntwo" });
    expect(ours).toEqual(theirs);
  });

  test("logs, ps, inspect, stop, ps -a, rm", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => ({
        ps: (await nerdctl.must(["ps", "--format", "{{.Names}} {{.Status}}"])).stdout.toString().replace(name, "NAME"),
        inspect: (
          await nerdctl.must(["inspect", "-f", "{{.State.Status}} {{.State.Running}}", name])
        ).stdout.toString(),
        stop: (await text(nerdctl.run(["stop", name]))).code,
        status: (await nerdctl.must(["ps", "-a", "--format", "{{.Status}}"])).stdout.toString().replace(/\) .*\n/, ")"),
        logs: await text(nerdctl.run(["logs", name])),
        rm: (await text(nerdctl.run(["rm", name]))).code,
        left: (await nerdctl.must(["ps", "-aq"])).stdout.toString(),
      })),
    );
    expect(theirs).toMatchObject({ ps: "NAME Up\n", stop: 0, status: "Exited (3)", rm: 0, left: "" });
    expect(ours).toEqual(theirs);
  });

  test("logs -f ends with the container", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        const follower = nerdctl.hold(["logs", "-f", name]);
        await follower.printed("ready");
        await nerdctl.must(["stop", name]);
        // Whether the last line is still among them is nerdctl's race, under any runtime.
        const { code, stdout } = visible(await follower.done);
        return { code, first: stdout.split("\n")[0] };
      }),
    );
    expect(theirs).toEqual({ code: 0, first: "ready" });
    expect(ours).toEqual(theirs);
  });

  test("rm -f ends what runs", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => [
        (await text(nerdctl.run(["rm", name]))).code,
        (await text(nerdctl.run(["rm", "-f", name]))).code,
        (await nerdctl.must(["ps", "-aq"])).stdout.toString(),
      ]),
    );
    expect(theirs).toEqual([1, 0, ""]);
    expect(ours).toEqual(theirs);
  });

  test("exec: output, status, user, directory, variables", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => [
        await text(nerdctl.run(["exec", name, "sh", "-c", "echo out; echo err >&2; exit 5"])),
        await text(
          nerdctl.run(["exec", "-u", "65534", "-w", "/tmp", "-e", "A=b", name, "sh", "-c", "id -u; pwd; echo $A"]),
        ),
        (await text(nerdctl.run(["exec", name, "nosuch"]))).code,
      ]),
    );
    // nerdctl 1.7 exits with 1 and says the status.
    expect(theirs[0]).toMatchObject({ stdout: "out\n", stderr: expect.stringContaining("5") });
    expect(ours).toEqual(theirs);
  });

  test("exec -it: a shell in a terminal", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        const terminal = nerdctl.terminal(["exec", "-it", name, "sh", "-c", SHELL]);
        await terminal.prints(PROMPT);
        terminal.type("tty; stty size\r");
        const seen = await terminal.prints(PROMPT);
        terminal.type("until [ \"$(stty size)\" = '17 71' ]; do sleep 0.05; done; echo $((1+1))\r");
        const resized = await terminal.resize({ columns: 71, rows: 17 }, PROMPT);
        terminal.type("exit 6\r");
        return { seen, resized, code: await terminal.end() };
      }),
    );
    expect(theirs.resized).toContain("\n2\r");
    expect(ours).toEqual(theirs);
  });

  test("ctrl-p ctrl-q leaves it running; attach comes back, twice", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const nerdctl = new Nerdctl(lab.containerd, runtime);
      const name = lab.freshId();
      let terminal = nerdctl.terminal(nerdctl.runArgs(["-it", "--name", name, IMAGE, "sh", "-c", SHELL]));
      await terminal.prints(PROMPT);
      for (const _ of ["first", "second"]) {
        terminal.type("\x10\x11");
        await terminal.end();
        terminal = nerdctl.terminal(["attach", name]);
        terminal.type("echo $((40+2))\r");
        await terminal.prints("42");
        await terminal.prints(PROMPT);
      }
      terminal.type("exit 7\r");
      const code = await terminal.end();
      return [code, (await text(nerdctl.run(["rm", name]))).code];
    });
    expect(ours).toEqual(theirs);
  });

  test("top, stats, pause and unpause", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        const stats = await nerdctl.must(["stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", name]);
        const paused = await text(nerdctl.run(["pause", name]));
        const status = (await nerdctl.must(["inspect", "-f", "{{.State.Status}}", name])).stdout.toString();
        const resumed = await text(nerdctl.run(["unpause", name]));
        return {
          top: (await text(nerdctl.run(["top", name]))).code,
          stats: /^\S+ [1-9]\d*$/m.test(stats.stdout.toString()),
          codes: [paused.code, resumed.code],
          status,
        };
      }),
    );
    expect(theirs).toMatchObject({ stats: true, codes: [0, 0], status: "paused\n" });
    expect(ours).toEqual(theirs);
  });

  test("cp: in and out, and nowhere else", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        const directory = mkdtempSync(join(tmpdir(), "cp-"));
        try {
          const file = join(directory, "file");
          writeFileSync(file, "copied in\n");
          await nerdctl.must(["cp", file, `${name}:/etc/copied`]);
          const seen = (await nerdctl.must(["exec", name, "cat", "/etc/copied"])).stdout.toString();
          await nerdctl.must(["exec", name, "sh", "-c", "echo made inside > /etc/made"]);
          await nerdctl.must(["cp", `${name}:/etc/made`, join(directory, "out")]);
          return [seen, readFileSync(join(directory, "out"), "utf8"), existsSync("/etc/copied")];
        } finally {
          rmSync(directory, { recursive: true });
        }
      }),
    );
    expect(theirs).toEqual(["copied in\n", "made inside\n", false]);
    expect(ours).toEqual(theirs);
  });

  test("top shows the container's own processes", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        const { stdout } = await nerdctl.must(["top", name, "-o", "pid,args"]);
        return stdout.toString().includes("while :; do sleep 0.1; done");
      }),
    );
    expect(theirs).toBe(true);
    expect(ours).toBe(true);
  });

  test("commit makes an image of what was written", async () => {
    const { theirs, ours } = await both((runtime) =>
      served(runtime, async (nerdctl, name) => {
        await nerdctl.must(["exec", name, "sh", "-c", "echo written > /etc/new"]);
        const commit = await text(nerdctl.run(["commit", name, "committed:latest"]));
        const run = await text(nerdctl.run(nerdctl.runArgs(["--rm", "committed:latest", "cat", "/etc/new"])));
        await nerdctl.run(["rmi", "-f", "committed:latest"]);
        return { commit: commit.code, run };
      }),
    );
    expect(theirs).toMatchObject({ commit: 0, run: { code: 0, stdout: "written\n" } });
    expect(ours).toEqual(theirs);
  });
});
