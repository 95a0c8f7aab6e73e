import { once } from "node:events";
import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { MuxStream } from "../proto/stream/mux.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;

/** The path of a fifo from what a client gives: a plain path or fifo://PATH. Undefined for no stream. */
export function fifoPath(uri: string): string | undefined {
  if (uri === "") return undefined;
  const scheme = /^([a-z+]+):\/\//.exec(uri)?.[1];
  const path = scheme === undefined ? uri : uri.slice(scheme.length + 3);
  if (scheme !== undefined && scheme !== "fifo") {
    throw new RpcError(Code.Unimplemented, `${scheme}:// is not supported for standard streams, only fifos are`);
  }
  if (!path.startsWith("/")) throw new RpcError(Code.InvalidArgument, `"${path}" is not an absolute path of a fifo`);
  return path;
}

function openFifo(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NONBLOCK | O_NOFOLLOW);
  } catch (error) {
    throw new RpcError(Code.InvalidArgument, `cannot open the fifo ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!fstatSync(fd).isFIFO()) {
    closeSync(fd);
    throw new RpcError(Code.InvalidArgument, `${path} is not a fifo`);
  }
  return fd;
}

/** Copies a process's output to a fifo. */
export class OutputFifo {
  readonly #socket: Socket;
  readonly #copied: Promise<void>;

  /** Throws InvalidArgument if the path is no fifo. */
  constructor(path: string, stream: MuxStream) {
    // One descriptor for both ends: with no reader of its own, a client that dies would make every write fail.
    this.#socket = new Socket({ fd: openFifo(path, O_RDWR), readable: false, writable: true });
    this.#socket.on("error", () => stream.abandon());
    this.#copied = this.#copy(stream);
  }

  async #copy(stream: MuxStream): Promise<void> {
    for (let chunk = await stream.read(); chunk !== undefined; chunk = await stream.read()) {
      if (!this.#socket.write(chunk) && !this.#socket.destroyed) await drained(this.#socket);
    }
    await new Promise<void>((resolve) => {
      if (this.#socket.destroyed) resolve();
      else this.#socket.once("close", () => resolve()).end(() => this.#socket.destroy());
    });
  }

  /** Settles when all output up to the end of the stream is in the fifo and the fifo is closed. */
  get done(): Promise<void> {
    return this.#copied;
  }

  /** Gives up on what has not been read. */
  close(): void {
    this.#socket.destroy();
  }
}

async function drained(socket: Socket): Promise<void> {
  const stop = new AbortController();
  try {
    await Promise.race([
      once(socket, "drain", { signal: stop.signal }),
      once(socket, "close", { signal: stop.signal }),
    ]);
  } catch {
    // An error closes the socket, and the next write drops its data.
  } finally {
    stop.abort();
  }
}

/** Copies a fifo to a process's standard input. */
export class InputFifo {
  readonly #socket: Socket;
  #keeper: number | undefined;

  /** Throws InvalidArgument if the path is no fifo. */
  constructor(path: string) {
    const reader = openFifo(path, O_RDONLY);
    // A write end of our own: without it the time before the client opens the fifo would look like its end.
    this.#keeper = openFifo(path, O_WRONLY);
    this.#socket = new Socket({ fd: reader, readable: true, writable: false });
    this.#socket.on("error", () => {});
  }

  /** Begins to copy; when the process takes no more, the fifo is closed. */
  start(stream: MuxStream): void {
    void stream.gone.then(() => this.close());
    void this.#copy(stream);
  }

  async #copy(stream: MuxStream): Promise<void> {
    try {
      for await (const chunk of this.#socket) await stream.write(chunk as Buffer);
    } catch {
      // Closed by us: the process is gone or takes no more.
    }
    stream.end();
  }

  /** CloseIO: the end of the client's writing becomes the end of the process's input. Legal at any time. */
  closeKeeper(): void {
    if (this.#keeper !== undefined) closeSync(this.#keeper);
    this.#keeper = undefined;
  }

  close(): void {
    this.closeKeeper();
    this.#socket.destroy();
  }
}
