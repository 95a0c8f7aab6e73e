import { closeSync, constants, openSync, writeSync } from "node:fs";
import { join } from "node:path";

export type Level = "debug" | "info" | "warning" | "error";

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
    if (this.#fd === undefined || (level === "debug" && !this.#debug)) return;
    const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${quoted(String(value))}`);
    const line = `time="${new Date().toISOString()}" level=${level} msg=${quoted(message)} runtime=microvm${rest.join("")}\n`;
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

function quoted(text: string): string {
  return /^[A-Za-z0-9_./:-]+$/.test(text) ? text : JSON.stringify(text);
}
