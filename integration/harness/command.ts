/** A program run to its end or held while it runs: argument arrays, streams apart, bytes as they come. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { within } from "./deadline.ts";

export interface Result {
  /** Exit status, or null where a signal ended the program. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: Buffer;
  stderr: Buffer;
  /** Wall time in milliseconds. */
  ms: number;
}

export interface CommandOptions {
  /** Bytes for standard input, which then ends. Without them standard input is /dev/null. */
  input?: Buffer | string;
  /** Leaves standard input open, to be fed through `stdin`. */
  keepStdin?: boolean;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** A bound for what hangs, in milliseconds. */
  limit?: number;
}

export class Command {
  readonly argv: readonly [string, ...string[]];
  readonly done: Promise<Result>;
  readonly #child: ChildProcessByStdio<Writable | null, Readable, Readable>;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  #grown = Promise.withResolvers<void>();

  constructor(argv: readonly [string, ...string[]], options: CommandOptions = {}) {
    this.argv = argv;
    const [program, ...args] = argv;
    const stdin = options.input !== undefined || options.keepStdin ? "pipe" : "ignore";
    const started = performance.now();
    this.#child = spawn(program, args, {
      stdio: [stdin, "pipe", "pipe"],
      ...(options.env && { env: options.env }),
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    }) as ChildProcessByStdio<Writable | null, Readable, Readable>;
    this.#child.stdout.on("data", (bytes: Buffer) => this.#grow(this.#stdout, bytes));
    this.#child.stderr.on("data", (bytes: Buffer) => this.#grow(this.#stderr, bytes));
    // A program that ends before it has read all of its input is no failure of ours.
    this.#child.stdin?.on("error", () => {});
    if (options.input !== undefined) this.#child.stdin?.end(options.input);
    const closed = new Promise<Result>((resolve, reject) => {
      this.#child.once("error", reject);
      this.#child.once("close", (code, signal) => {
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr, ms: performance.now() - started });
        this.#grown.resolve();
      });
    });
    this.done = this.#bounded(closed, options.limit ?? 60_000);
    // Whoever awaits `done` sees its failure; a test that has failed before must not end the process by it.
    this.done.catch(() => {});
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }
  get stdin(): Writable {
    if (!this.#child.stdin) throw new Error(`${this.argv[0]} was started without standard input`);
    return this.#child.stdin;
  }
  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }
  get stderr(): Buffer {
    return Buffer.concat(this.#stderr);
  }
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves once standard output holds the text. */
  async printed(text: string, limit = 30_000): Promise<void> {
    const ended = this.done.then(() => true);
    const wait = async () => {
      while (!this.stdout.includes(text)) {
        const over = await Promise.race([this.#grown.promise.then(() => false), ended]);
        if (over && !this.stdout.includes(text)) throw new Error(`ended without printing ${text}: ${this.#said()}`);
      }
    };
    await within(limit, `${this.argv.join(" ")} prints ${text}`, wait()).catch((error: Error) => {
      throw new Error(`${error.message}; so far: ${this.#said()}`);
    });
  }

  async #bounded(closed: Promise<Result>, limit: number): Promise<Result> {
    try {
      return await within(limit, `end of ${this.argv.join(" ")}`, closed);
    } catch (error) {
      this.#child.kill("SIGKILL");
      throw new Error(`${(error as Error).message}; so far: ${this.#said()}`, { cause: error });
    }
  }
  #said(): string {
    return JSON.stringify({ stdout: this.stdout.toString().slice(-500), stderr: this.stderr.toString().slice(-500) });
  }
  #grow(chunks: Buffer[], bytes: Buffer): void {
    chunks.push(bytes);
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }
}

export function run(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<Result> {
  return new Command(argv, options).done;
}

/** Runs it and throws what it said unless it exits with 0. */
export async function must(argv: readonly [string, ...string[]], options?: CommandOptions): Promise<Result> {
  const result = await run(argv, options);
  if (result.code !== 0) throw new Error(`${argv.join(" ")}: exit ${result.code}: ${result.stderr.toString().trim()}`);
  return result;
}
