/** Containers in microvms under a private containerd, step by step: each command, what it prints, how long it takes. */
import { run } from "./harness/command.ts";
import { IMAGE } from "./harness/image.ts";
import { microvm } from "./harness/paths.ts";
import { runApart, type Session, session } from "./harness/session.ts";

interface Step {
  readonly title: string;
  readonly args: readonly string[];
  /** What is piped into the container, and the command that a user would make it with. */
  readonly input?: { readonly command: string; readonly text: string };
  readonly status: number;
  readonly expected: RegExp;
}

const LINES = Array.from({ length: 100 }, (_, n) => `line ${n + 1}\n`);

const STEPS: Step[] = [
  { title: "the guest has its own kernel", args: ["uname", "-a"], status: 0, expected: /^Linux \S+ \S+-microvm .*\n$/ },
  { title: "the exit status comes through", args: ["sh", "-c", "exit 42"], status: 42, expected: /^$/ },
  {
    title: "the container is a part of a pipeline",
    args: ["head", "-n", "7"],
    input: { command: "seq -f 'line %g' 100", text: LINES.join("") },
    status: 0,
    expected: new RegExp(`^${LINES.slice(0, 7).join("")}$`),
  },
];

function print(text: string): void {
  process.stdout.write(text);
}

function quoted(argument: string): string {
  return /^[\w./:=-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}

async function host(): Promise<void> {
  print("\n# the host\n$ uname -a\n");
  const { stdout, ms } = await run(["uname", "-a"]);
  print(`${stdout}(${ms.toFixed(0)} ms)\n`);
}

async function show({ containerd, signal }: Session, step: Step, id: string): Promise<void> {
  signal.throwIfAborted();
  const argv = ["run", "--rm", "--runtime", microvm, IMAGE, id, ...step.args];
  const pipe = step.input ? `${step.input.command} | ` : "";
  print(`\n# ${step.title}\n$ ${pipe}ctr ${argv.map(quoted).join(" ")}\n`);
  const { code, stdout, stderr, ms } = await containerd.ctr(argv, step.input ? { input: step.input.text } : {});
  signal.throwIfAborted();
  print(`${stdout}${stderr}(exit status ${code}, ${ms.toFixed(0)} ms)\n`);
  if (code !== step.status) throw new Error(`${step.title}: exit status ${code} instead of ${step.status}`);
  if (!step.expected.test(stdout.toString())) throw new Error(`${step.title}: the output is not ${step.expected}`);
}

async function demo(current: Session): Promise<void> {
  print("a private containerd 1.6 runs and has a busybox image\n");
  await host();
  for (const [index, step] of STEPS.entries()) await show(current, step, `${current.token}-${index + 1}`);
  print("\nall as expected\n");
}

await runApart("demo", () => session("1.6", demo));
