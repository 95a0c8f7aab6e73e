import { Socket } from "node:net";

/** Where the output of a process goes. */
export interface Sink {
  /** Resolves when more is taken. Rejects when nothing more can be: the reader is gone, or the sink was destroyed. */
  write(bytes: Buffer): Promise<void>;
  /** Resolves when all that was written is where it belongs, and closes the sink. */
  end(): Promise<void>;
  /** Drops what was not written yet. Legal in any state, twice too. */
  destroy(): void;
}

/** The write end of a pipe or fifo; it never holds more than one write beyond the socket's high-water mark. */
export class PipeSink implements Sink {
  readonly #socket: Socket;
  readonly #closed: Promise<void>;
  #drained: PromiseWithResolvers<void> | undefined;

  /** Takes the descriptor, which must not block. */
  constructor(fd: number) {
    // A polled socket: an fs stream would hold a thread of the pool for as long as the reader does not read.
    this.#socket = new Socket({ fd, readable: false, writable: true });
    this.#socket.on("error", () => {});
    this.#socket.on("drain", () => this.#settle());
    this.#closed = new Promise((resolve) => {
      this.#socket.once("close", () => {
        this.#settle();
        resolve();
      });
    });
  }

  async write(bytes: Buffer): Promise<void> {
    if (!this.#socket.destroyed && !this.#socket.write(bytes)) {
      this.#drained = Promise.withResolvers();
      await this.#drained.promise;
    }
    if (this.#socket.destroyed) throw new Error("the reader is gone");
  }

  async end(): Promise<void> {
    this.#socket.end(() => this.#socket.destroy());
    await this.#closed;
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #settle(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
