/** Arguments, streams and exit statuses of programs with a container of their own. */
import { randomBytes } from "node:crypto";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Single } from "../case.ts";

const bytes = randomBytes(300_000);
const text = Array.from({ length: 5000 }, (_, n) => `line ${n}\n`).join("");
const script = (name: string, source: string, more: Partial<Single> = {}): Single => ({
  name,
  args: ["sh", "-c", source],
  ...more,
});

const EXITS: readonly Single[] = [0, 1, 2, 42, 125, 126, 127, 128, 137, 143, 255].map((code) =>
  script(`exit status ${code}`, `exit ${code}`, { expect: { code } }),
);

const ARGUMENTS: readonly Single[] = [
  { name: "a hundred arguments", args: ["printf", "%s,", ...Array.from({ length: 100 }, (_, n) => `a${n}`)] },
  {
    name: "arguments with spaces, quotes and line breaks",
    args: ["printf", "[%s]", "a b", "", "x=y", "--", "$HOME", "é✓", "l\nl", "'\"\\", "*", "\t"],
  },
  {
    name: "an argument of 100 KB",
    args: ["sh", "-c", 'echo "$(printf %s "$1" | wc -c)"', "sh", "x".repeat(100_000)],
    expect: { stdout: "100000\n" },
  },
  { name: "a name of the program's own", args: ["sh", "-c", 'echo "$0"', "named"] },
  script("a large environment", 'env | wc -c; echo "$BIG" | wc -c', {
    spec: ({ process }) =>
      process.env.push(`BIG=${"y".repeat(100_000)}`, ...Array.from({ length: 500 }, (_, n) => `V${n}=${n}`)),
    expect: { code: 0 },
  }),
  script("variables twice, without a value, with odd names", "env | grep -E '^(A|B|1|a b)' | sort", {
    spec: ({ process }) => process.env.push("A=1", "A=2", "B=", "1=x", "a b=c"),
  }),
  {
    name: "a script as the program",
    args: ["/srv-script", "x"],
    prepare: (rootfs) => {
      writeFileSync(join(rootfs, "srv-script"), "#!/bin/sh -e\necho script $0 $1\nfalse\n");
      chmodSync(join(rootfs, "srv-script"), 0o755);
    },
    expect: { code: 1, stdout: "script /srv-script x\n" },
  },
  {
    name: "a program at a relative path",
    args: ["bin/echo", "relative"],
    spec: ({ process }) => {
      process.cwd = "/";
    },
  },
];

// Each with input first says that it is there: ctr 2.4 loses an end of the input that comes before the process.
const STREAMS: readonly Single[] = [
  script("both streams apart", "echo out; echo err >&2; printf 'no line break'; exit 3", { expect: { code: 3 } }),
  script("bytes in, the same bytes out", "echo ready; cat", {
    input: bytes,
    expect: { code: 0, stdout: `ready\n${bytes.toString("latin1")}` },
  }),
  script("an end of input at once", "echo ready; wc -c", { input: "", expect: { stdout: "ready\n0\n" } }),
  script("input without a line break at its end", "echo ready; cat", { input: "a\nb" }),
  script("a program that reads a part only", "echo ready; head -n 3", { input: text }),
  script("a program that reads nothing", "echo ready; echo done", { input: text }),
  script("input read by turns", 'echo ready; read a; read b; echo "$b $a"; cat | wc -l', { input: text }),
  script("all bytes on stderr", "echo ready; cat >&2", {
    input: Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
  }),
  script("a megabyte on each stream", "head -c 1000000 /dev/zero & head -c 1000000 /dev/zero >&2; wait", {
    expect: { code: 0 },
  }),
  script("a closed stdout", "exec >&-; echo x; echo $? >&2"),
  script("a line a write", "for n in $(seq 200); do echo $n; done"),
];

const ENDS: readonly Single[] = [
  script("the first process cannot kill itself", "kill -TERM $$; kill -KILL $$; echo alive; exit 5", {
    expect: { code: 5 },
  }),
  script("children end with the first process", "sleep 1000 & sleep 1000 & exit 7", { expect: { code: 7 } }),
  script("a stopped child does not hold the end", "sleep 1000 & kill -STOP $!; exit 8", { expect: { code: 8 } }),
  script("many zombies", "for n in $(seq 50); do (sh -c 'exit 0' & ) ; done; exit 9", { expect: { code: 9 } }),
  script("a fork bomb that is small", "f() { [ $1 -gt 0 ] && { f $(($1-1)) & f $(($1-1)); wait; }; }; f 5; exit 10", {
    expect: { code: 10 },
  }),
  script("exec replaces the first process", "exec sh -c 'echo $$; exit 11'", { expect: { code: 11, stdout: "1\n" } }),
];

export const PROGRAMS: readonly Single[] = [...EXITS, ...ARGUMENTS, ...STREAMS, ...ENDS];
