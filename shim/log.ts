import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";

export type Level = "debug" | "info" | "warning" | "error";

/** A pipe takes a line of this many bytes whole or not at all; pipe(7). */
const PIPE_BUF = 4096;

/**
 * containerd reads the fifo BUNDLE/log and prints its lines among its own. Writes never block and never fail the
 * caller: a reader that is slow or gone costs lines, not the container.
 */
export class Log {
  #fd: number | undefined;
  readonly #debug: boolean;

  constructor(bundle: string, debug: boolean) {
    this.#debug = debug;
    try {
      this.#fd = openSync(join(bundle, "log"), constants.O_WRONLY | constants.O_NONBLOCK);
    } catch {
      // No fifo or no reader: nobody listens.
    }
  }

  /** One line in the format of logrus, which containerd writes itself. */
  write(level: Level, message: string, fields: Record<string, string | number> = {}): void {
    if (level !== "debug" || this.#debug) this.#print(level, message, fields);
  }

  /** A line that somebody turned on by its scope, whatever containerd's level is. */
  trace(scope: string, message: string): void {
    this.#print("debug", message, { scope });
  }

  #print(level: Level, message: string, fields: Record<string, string | number>): void {
    if (this.#fd === undefined) return;
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quoted(String(value))}`);
    const end = ` runtime=microvm${rest.join("")}\n`;
    const begin = `time="${new Date().toISOString()}" level=${level} msg=`;
    const room = PIPE_BUF - Buffer.byteLength(begin) - Buffer.byteLength(end);
    const line = `${begin}${shortened(quoted(message), room)}${end}`;
    try {
      writeSync(this.#fd, line);
    } catch {
      // Full, or the reader is between two lives: the descriptor works again when containerd is back.
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Keeps a quoted text quoted. */
function shortened(text: string, bytes: number): string {
  if (Buffer.byteLength(text) <= bytes) return text;
  const kept = Buffer.from(text)
    .subarray(0, Math.max(bytes - 8, 0))
    .toString("utf8");
  // An escape that was cut in two would spoil the end.
  return `${kept.replace(/[\\\ufffd][^\\]{0,5}$/, "")}..."`;
}

function quoted(text: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(text) ? text : JSON.stringify(text);
}
