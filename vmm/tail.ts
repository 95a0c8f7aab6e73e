import type { Readable } from "node:stream";

/**
 * Keeps the end of what a stream says, and nothing else: the guest can write to its console without end.
 * `onLine` sees each whole line, printable characters only.
 */
export class Tail {
  /** Resolves when nothing more can come. */
  readonly ended: Promise<void>;
  readonly #limit: number;
  #text = "";
  #partial = "";

  constructor(stream: Readable, onLine: (line: string) => void = () => {}, limit = 4096) {
    this.#limit = limit;
    stream.on("data", (chunk: Buffer) => this.#consume(chunk, onLine));
    // An error here is the end of the other side, which its exit tells better.
    stream.on("error", () => {});
    this.ended = new Promise((resolve) => stream.once("close", resolve));
  }

  /** The last lines, joined by " | " so that they fit in a one-line message. */
  get text(): string {
    return `${this.#text}${this.#partial}`
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .slice(-8)
      .join(" | ");
  }

  #consume(chunk: Buffer, onLine: (line: string) => void): void {
    const lines = `${this.#partial}${printable(chunk)}`.split("\n");
    this.#partial = (lines.pop() ?? "").slice(-this.#limit);
    for (const line of lines) onLine(line);
    if (lines.length > 0) this.#text = `${this.#text}${lines.join("\n")}\n`.slice(-this.#limit);
  }
}

/** Hostile bytes must not drive the terminal of whoever reads the log. */
function printable(chunk: Buffer): string {
  return chunk.toString("latin1").replaceAll(/[^\n\x20-\x7e]/g, (c) => (c === "\r" || c === "\t" ? " " : "?"));
}
