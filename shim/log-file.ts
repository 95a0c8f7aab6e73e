import { closeSync, constants, mkdirSync, openSync, realpathSync, statSync, write } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { fifoSink } from "./fifo.ts";
import type { Sink } from "./sink.ts";

const { O_WRONLY, O_APPEND, O_CREAT } = constants;
const writeBytes = promisify(write);

/**
 * The sinks of `count` outputs that go to one file, made with its directory if it is not there. They share a
 * descriptor, so no output cuts another's write in two. What is there already and is no regular file is written to as
 * runc's shim does: a fifo as a client's, a device as a file. Throws InvalidArgument.
 */
export function fileSinks(path: string, count: number, warn: (message: string) => void): Sink[] {
  // Opened only to be written, a fifo would block until somebody reads it.
  if (isFifo(path)) return Array.from({ length: count }, () => fifoSink(realpathSync(path)));
  const file = new LogFile(path, count, warn);
  return Array.from({ length: count }, () => new FileSink(file));
}

function isFifo(path: string): boolean {
  try {
    return statSync(path).isFIFO();
  } catch {
    // Not there yet, or the open says what is wrong with it.
    return false;
  }
}

class LogFile {
  readonly #path: string;
  readonly #fd: number;
  readonly #warn: (message: string) => void;
  #users: number;
  #failing = false;

  constructor(path: string, users: number, warn: (message: string) => void) {
    this.#path = path;
    this.#users = users;
    this.#warn = warn;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      this.#fd = openSync(path, O_WRONLY | O_APPEND | O_CREAT, 0o644);
    } catch (error) {
      throw new RpcError(Code.InvalidArgument, `cannot open the log file ${path}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** A file that takes no more (a full disk) costs the lines, not the process: the next write may succeed. */
  async write(bytes: Buffer): Promise<void> {
    try {
      for (let at = 0; at < bytes.length; ) {
        at += (await writeBytes(this.#fd, bytes, at, bytes.length - at, null)).bytesWritten;
      }
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#warn(`output is lost: cannot write ${this.#path}: ${(error as Error).message}`);
      this.#failing = true;
    }
  }

  /** The last of its users closes it. */
  leave(): void {
    this.#users -= 1;
    if (this.#users === 0) closeSync(this.#fd);
  }
}

class FileSink implements Sink {
  readonly #file: LogFile;
  #pending: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(file: LogFile) {
    this.#file = file;
  }

  async write(bytes: Buffer): Promise<void> {
    if (this.#closed) throw new Error("the log file is closed");
    this.#pending = this.#file.write(bytes);
    await this.#pending;
  }

  async end(): Promise<void> {
    await this.#pending;
    this.destroy();
  }

  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    // The number of a descriptor that was closed amid a write could be another file's by then.
    void this.#pending.then(() => this.#file.leave());
  }
}
