/** A containerd for a program that is no test: whatever ends the program, nothing of it remains, and that is checked. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Containerd } from "./containerd.ts";
import { until } from "./deadline.ts";
import { IMAGE, makeImage } from "./image.ts";
import type { ContainerdVersion } from "./paths.ts";
import { takeStock } from "./remains.ts";

export interface Session {
  readonly containerd: Containerd;
  /** Aborts on SIGINT and SIGTERM; to be asked before each step. */
  readonly signal: AbortSignal;
}

/** Starts containerd with the test image, does the work, and ends everything, also on failure and on SIGINT. */
export async function session(version: ContainerdVersion, work: (session: Session) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "mv-"));
  process.env.TMPDIR = directory;
  const before = takeStock();
  const signal = interruption();
  const starting = Containerd.start(version);
  const working = starting.then(async (containerd) => {
    await importImage(containerd);
    await work({ containerd, signal });
  });
  try {
    await Promise.race([working, aborted(signal)]);
  } finally {
    const containerd = await starting.catch(() => undefined);
    try {
      if (containerd && signal.aborted) await endWork(containerd, working);
      if (containerd) await removeAll(containerd);
    } finally {
      await containerd?.stop();
      rmSync(directory, { recursive: true, force: true });
      await nothingOfOurs(directory, before);
    }
  }
}

function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"]) {
    process.on(name, () => controller.abort(new Error(`interrupted by ${name}`)));
  }
  return controller.signal;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
}

async function importImage(containerd: Containerd): Promise<void> {
  const archive = join(containerd.directory, "image.tar");
  makeImage(archive, IMAGE);
  await containerd.mustCtr(["image", "import", archive]);
}

/** Ctrl-C in a terminal ends containerd, too: it is started anew to end its containers. */
async function endWork(containerd: Containerd, working: Promise<void>): Promise<void> {
  await containerd.restart("SIGTERM");
  let ended = false;
  const end = () => {
    ended = true;
  };
  working.then(end, end);
  await until(20_000, "the interrupted step ends", async () => {
    await removeAll(containerd);
    return ended ? true : undefined;
  });
}

async function removeAll(containerd: Containerd): Promise<void> {
  for (const kind of ["task", "container"]) {
    const { stdout } = await containerd.ctr([kind, "ls", "-q"]);
    const ids = stdout.toString().split("\n").filter(Boolean);
    for (const id of ids) await containerd.ctr([kind, "rm", ...(kind === "task" ? ["-f"] : []), id]);
  }
}

/** On a machine with other programs only what can be ours counts. */
async function nothingOfOurs(directory: string, before: Set<string>): Promise<void> {
  const ours = (line: string) => {
    const text = `${line} ${commandLine(line)}`;
    return /qemu|virtiofsd|microvm/.test(text) || text.includes(directory);
  };
  const fresh = () => [...takeStock()].filter((line) => !before.has(line) && ours(line));
  await until(
    10_000,
    () => `nothing is left, but:\n${fresh().join("\n")}`,
    () => (fresh().length === 0 ? true : undefined),
  );
}

function commandLine(line: string): string {
  const [, pid] = /^process (\d+) /.exec(line) ?? [];
  if (pid === undefined) return "";
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1");
  } catch {
    return "";
  }
}
