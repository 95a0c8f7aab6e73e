import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { Socket } from "node:net";
import type { MuxStream } from "../proto/stream/mux.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { PipeSink } from "./sink.ts";

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK, O_NOFOLLOW } = constants;

function openFifo(path: string, flags: number): number {
  let fd: number;
  try {
    fd = openSync(path, flags | O_NONBLOCK);
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

/** A client's fifo for output. Throws InvalidArgument if the path is no fifo. */
export function fifoSink(path: string): PipeSink {
  // One descriptor for both ends: with no reader of its own, a client that dies would make every write fail.
  return new PipeSink(openFifo(path, O_RDWR | O_NOFOLLOW));
}

/** Copies a fifo to a process's standard input. */
export class InputFifo {
  readonly #socket: Socket;
  #keeper: number | undefined;

  /** Throws InvalidArgument if the path is no fifo. */
  constructor(path: string) {
    const reader = openFifo(path, O_RDONLY | O_NOFOLLOW);
    // A write end of our own: without it the time before the client opens the fifo would look like its end.
    this.#keeper = openFifo(path, O_WRONLY | O_NOFOLLOW);
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
