/** A containerd for a program that is no test: whatever ends the program, nothing of it remains, and that is checked. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { Containerd } from "./containerd.ts";
import { until } from "./deadline.ts";
import { IMAGE, makeImage } from "./image.ts";
import type { ContainerdVersion } from "./paths.ts";
import { takeStock } from "./remains.ts";
import { prepareTemplates } from "./templates.ts";

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface Session {
  readonly containerd: Containerd;
  /** Aborts on SIGINT and SIGTERM; to be asked before each step. */
  readonly signal: AbortSignal;
  /** Where container ids begin; it tells what is this session's from what is another program's. */
  readonly token: string;
}

/**
 * Runs `main` in a session of its own, for a Ctrl-C in a terminal would reach containerd and ctr, too, and a containerd
 * that ends amid a creation leaves a container that no one knows of.
 */
export async function runApart(name: string, main: () => Promise<void>): Promise<void> {
  if (process.env.MICROVM_APART === undefined) return startApart();
  try {
    await main();
  } catch (error) {
    process.stderr.write(`\n${name}: ${(error as Error).message}\n`);
    process.exitCode = 1;
  }
}

async function startApart(): Promise<void> {
  const [program, ...args] = process.argv;
  const env = { ...process.env, MICROVM_APART: "1" };
  const child = spawn(program ?? process.execPath, args, { detached: true, stdio: "inherit", env });
  for (const signal of SIGNALS) process.on(signal, () => child.kill(signal));
  const [code] = await once(child, "exit");
  process.exitCode = code ?? 1;
}

/** Starts containerd with the test image, does the work, and ends everything, also on failure and on SIGINT. */
export async function session(version: ContainerdVersion, work: (session: Session) => Promise<void>): Promise<void> {
  const signal = interruption();
  const directory = mkdtempSync(join(tmpdir(), "mv-"));
  const { TMPDIR } = process.env;
  process.env.TMPDIR = directory;
  const token = basename(directory);
  const before = takeStock();
  let containerd: Containerd | undefined;
  try {
    prepareTemplates();
    containerd = await Containerd.start(version);
    await importImage(containerd);
    await work({ containerd, signal, token });
  } finally {
    if (containerd) await end(containerd);
    rmSync(directory, { recursive: true, force: true });
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
    await nothingOfOurs(token, before);
    process.stdout.write("\nnothing is left running or mounted\n");
  }
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of SIGNALS) process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
  return controller.signal;
}

async function end(containerd: Containerd): Promise<void> {
  try {
    await containerd.removeAll();
  } finally {
    await containerd.stop();
  }
}

async function importImage(containerd: Containerd): Promise<void> {
  const archive = join(containerd.directory, "image.tar");
  makeImage(archive, IMAGE);
  await containerd.mustCtr(["image", "import", archive]);
}

/** On a machine with other programs only what bears the token counts. */
async function nothingOfOurs(token: string, before: Set<string>): Promise<void> {
  const ours = (line: string) => `${line} ${processText(line)}`.includes(token);
  const fresh = () => [...takeStock()].filter((line) => !before.has(line) && ours(line));
  await until(
    10_000,
    () => `nothing is left, but:\n${fresh().join("\n")}`,
    () => (fresh().length === 0 ? true : undefined),
  );
}

/** The shim has the token in its environment, QEMU and virtiofsd have it in their arguments. */
function processText(line: string): string {
  const [, pid] = /^process (\d+) /.exec(line) ?? [];
  if (pid === undefined || Number(pid) === process.pid) return "";
  try {
    return ["cmdline", "environ"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1")).join(" ");
  } catch {
    return "";
  }
}
