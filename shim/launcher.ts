/** The daemon's side of launcher/main.c, which starts it and waits for what it is to tell containerd. */
import { closeSync, readFileSync, readSync, writeSync } from "node:fs";

const CHANNEL_FD = 3;
const INPUT_FD = 4;

/** Kinds of messages. */
const OUTPUT = 0;
const ERROR = 1;
const SHARE = 2;
const MAX_ANSWER_BYTES = 8192;

/** What the launcher sets for the daemon alone, not for what that starts. */
const MARKER = "MICROVM_DAEMON";
const OWN = [MARKER, "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"];

/** Whether this process is the daemon; asked once, for the sign of it is gone afterwards. */
export function isLaunched(): boolean {
  const launched = process.env[MARKER] !== undefined;
  if (launched) for (const name of OWN) delete process.env[name];
  return launched;
}

/** What containerd has written to the standard input of `start`. */
export function takeInput(): Uint8Array {
  const input = readFileSync(INPUT_FD);
  closeSync(INPUT_FD);
  return input;
}

/**
 * Makes directories mounts of their own, below which what is mounted later reaches the virtiofsd that serves them. Throws
 * with what went wrong.
 */
export function share(directories: readonly string[]): void {
  say(SHARE, Buffer.from(directories.map((directory) => `${directory}\0`).join("")));
  const answer = Buffer.alloc(MAX_ANSWER_BYTES);
  const text = answer.toString("utf8", 0, readSync(CHANNEL_FD, answer)).replace(/\0$/, "");
  if (text !== "") throw new Error(text);
}

/**
 * Ends `start` well, with what it is to print. Throws if nobody waits for it any more: then nobody knows of this daemon.
 */
export function answer(output: Uint8Array): void {
  say(OUTPUT, output);
  closeSync(CHANNEL_FD);
}

/** Ends `start` with an error. */
export function refuse(error: Error): void {
  try {
    say(ERROR, Buffer.from(`${error.message}\n`));
  } catch {
    // It has its answer, or is gone.
  }
}

/** A message is far smaller than what a socket takes at once. */
function say(kind: number, text: Uint8Array): void {
  writeSync(CHANNEL_FD, Buffer.concat([Buffer.of(kind), text]));
}
