/** Real clients in a real terminal: what is typed and what the screen shows, beside runc. */
import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { both } from "./differential/compare.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab } from "./harness/lab.ts";
import { Nerdctl } from "./harness/nerdctl.ts";
import { microvm } from "./harness/paths.ts";
import { removeFifos } from "./harness/remains.ts";
import { Terminal } from "./harness/terminal.ts";

const PROMPT = "ready> ";
// No line editor: what the screen shows is the terminal's work alone.
const SHELL = `trap : INT QUIT; while printf '${PROMPT}'; read -r line; do eval "$line"; done; exit 9`;

/** Types a command at the prompt and returns all until the next one. */
async function command(terminal: Terminal, line: string): Promise<string> {
  terminal.type(`${line}\r`);
  return terminal.prints(PROMPT);
}

/**
 * Starts a program that waits for ever, types the key, and returns all until the next prompt. What says that it runs is
 * the program itself: a shell that is about to become one still ignores SIGQUIT.
 */
async function interrupt(terminal: Terminal, key: string): Promise<string> {
  terminal.type('echo go""ing > /tmp/going; cat /tmp/going -; echo $?\r');
  await terminal.prints("\ngoing");
  terminal.type(key);
  return terminal.prints(PROMPT);
}

/** In a shell in a terminal, at its first prompt. */
type Steps = (terminal: Terminal) => Promise<unknown>;

const IN_A_SHELL: readonly [string, Steps][] = [
  ["it is a terminal", (terminal) => command(terminal, "tty; test -t 0 && test -t 1 && test -t 2; echo $?")],
  ["its size", (terminal) => command(terminal, "stty size")],
  ["its settings", (terminal) => command(terminal, "stty -a")],
  [
    "TERM, the console, the controlling terminal",
    (terminal) =>
      command(
        terminal,
        "echo $TERM; ls -l /dev/console | cut -c 1-10; echo x > /dev/tty; cut -d' ' -f7,8 /proc/1/stat",
      ),
  ],
  ["no CR added, none lost", (terminal) => command(terminal, "printf 'a\\nb\\r\\nc\\td\\n'; printf 'no end'")],
  [
    "a resize, told by SIGWINCH",
    async (terminal) => {
      // The client also tells the size once at its beginning.
      terminal.type(`n=; trap n=1 WINCH; echo go""ing; until [ "$n$(stty size)" = "127 91" ]; do sleep 0.05; done\r`);
      await terminal.prints("\ngoing");
      const resized = await terminal.resize({ columns: 91, rows: 27 }, PROMPT);
      return [resized, await command(terminal, "stty size")];
    },
  ],
  ["ctrl-c ends the program, not the shell", (terminal) => interrupt(terminal, "\x03")],
  ["ctrl-\\ ends the program", (terminal) => interrupt(terminal, "\x1c")],
  ["UTF-8", (terminal) => command(terminal, "echo é✓漢字 | od -c; echo é✓漢字")],
  [
    // Backwards: ctrl-p ctrl-q is the client's own.
    "all bytes go in",
    async (terminal) => {
      terminal.type('stty raw -echo; echo go""ing; head -c 256 | md5sum; stty sane\r');
      await terminal.prints("\ngoing");
      terminal.type(Buffer.from(Array.from({ length: 256 }, (_, n) => 255 - n)));
      return terminal.prints(PROMPT);
    },
  ],
  [
    "all bytes come out",
    async (terminal) =>
      command(terminal, "stty -opost; awk 'BEGIN { for (n = 0; n < 256; n++) printf \"%c\", n }'; stty opost"),
  ],
  [
    "no echo where the program asks for none",
    async (terminal) => {
      terminal.type('stty -echo; echo go""ing; read x; stty echo; echo "=$x="\r');
      await terminal.prints("\ngoing");
      terminal.type("hidden\r");
      return terminal.prints(PROMPT);
    },
  ],
  [
    "an end of input in the middle",
    async (terminal) => {
      terminal.type("cat; echo after\r");
      await terminal.prints("after\r");
      terminal.type("line\r\x04");
      return terminal.prints(PROMPT);
    },
  ],
];

/** Text without line breaks at which a terminal in its usual mode would cut. */
const PASTED = randomBytes(7_500_000).toString("base64");

describe("terminals", () => {
  const lab = useLab("2.4");
  // nerdctl leaves the fifos that it makes, under any runtime.
  afterEach(removeFifos);

  const open = (runtime: string, ...program: string[]) => {
    const nerdctl = new Nerdctl(lab.containerd, runtime);
    return nerdctl.terminal(nerdctl.runArgs(["-it", "--rm", "--hostname", "guest", IMAGE, ...program]));
  };

  describe("nerdctl run -it", () => {
    let shells: Promise<{ theirs: Terminal; ours: Terminal }> | undefined;
    // One shell for all: each step ends at the prompt that the next one begins with.
    const atPrompt = () => {
      shells ??= both(async (runtime) => {
        const terminal = open(runtime, "sh", "-c", SHELL);
        await terminal.prints(PROMPT);
        return terminal;
      });
      return shells;
    };

    test("each step, and the shell's own exit status", async () => {
      const { theirs, ours } = await atPrompt();
      const seen = { theirs: {} as Record<string, unknown>, ours: {} as Record<string, unknown> };
      for (const [name, steps] of IN_A_SHELL) {
        seen.theirs[name] = await steps(theirs);
        seen.ours[name] = await steps(ours);
      }
      expect(seen.ours).toEqual(seen.theirs);
      for (const terminal of [theirs, ours]) terminal.type("exit 7\r");
      expect([await theirs.end(), await ours.end()]).toEqual([7, 7]);
    });
  });

  test("ctrl-d at the prompt ends the shell", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const terminal = open(runtime, "sh", "-c", SHELL);
      await terminal.prints(PROMPT);
      terminal.type("\x04");
      return terminal.end();
    });
    expect([theirs, ours]).toEqual([9, 9]);
  });

  test("ctrl-z stops a program, fg goes on with it", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const terminal = open(runtime, "sh", "-m", "-c", SHELL);
      await terminal.prints(PROMPT);
      const loop = "while :; do sleep 0.1; done";
      terminal.type(`sh -c "trap 'echo con\\"\\"tinued' CONT; echo go\\"\\"ing; ${loop}"\r`);
      await terminal.prints("\ngoing");
      terminal.type("\x1a");
      await terminal.prints(PROMPT);
      terminal.type('jobs; echo li""sted; fg\r');
      const jobs = await terminal.prints("\nlisted");
      // Not before it is in the foreground again.
      await terminal.prints("\ncontinued");
      terminal.type("\x03");
      await terminal.prints(PROMPT);
      terminal.type("exit 8\r");
      return { code: await terminal.end(), stopped: jobs.includes("Stopped") };
    });
    expect(theirs).toEqual({ code: 8, stopped: true });
    expect(ours).toEqual(theirs);
  });

  test("what a program writes before it ends is not lost, in any of 80 execs", async () => {
    const { containerd } = lab;
    const id = lab.freshId();
    await containerd.mustCtr(["run", "-d", "--runtime", microvm, IMAGE, id, "sleep", "1000"]);
    const lengths: number[] = [];
    for (let n = 0; n < 80; n++) {
      const program = ["head", "-c", "60000", "/dev/zero"];
      const args = ["task", "exec", "-t", "--exec-id", `exec-${n}`, id, ...program];
      // ctr itself prints a warning.
      const exec = new Terminal(containerd.argv(args), process.env);
      expect(await exec.end()).toBe(0);
      lengths.push(exec.output.filter((byte) => byte === 0).length);
    }
    await containerd.mustCtr(["task", "rm", "-f", id]);
    await containerd.mustCtr(["container", "rm", id]);
    expect(new Set(lengths)).toEqual(new Set([60_000]));
  });

  test("10 MB pasted at once", async () => {
    const { theirs, ours } = await both(async (runtime) => {
      const terminal = open(runtime, "sh", "-c", `stty raw -echo; echo ready; head -c ${PASTED.length} | md5sum`);
      await terminal.prints("ready");
      terminal.type(PASTED);
      const sum = await terminal.prints("-");
      return [sum, await terminal.end()];
    });
    expect(ours).toEqual(theirs);
  });
});
