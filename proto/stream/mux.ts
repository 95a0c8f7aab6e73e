import type { Duplex } from "node:stream";
import { debugScope } from "../debug.ts";
import { StreamDecoder } from "./decode.ts";
import * as frame from "./frame.ts";
import { Reserve } from "./reserve.ts";
import { type MuxStream, PortStream } from "./stream.ts";
import { UsedIds } from "./used-ids.ts";

export { INITIAL_CREDIT, StreamViolation } from "./frame.ts";
export type { MuxStream } from "./stream.ts";

const debug = debugScope("microvm-stream");

// Below this size, copying beside the header is cheaper than handing two buffers to the kernel.
const COPY_LIMIT = 4 << 10;

/** For a dozen streams that flow at once; each of the others has its initial credit. */
const RESERVE = 12 << 20;

/** Many streams over one socket, which it owns from now on. No stream can hold up another. */
export class StreamMux {
  /**
   * Settles once, when the socket is gone: with an Error if the peer broke the protocol, else with undefined. Never
   * rejects.
   */
  readonly closed: Promise<Error | undefined>;
  readonly #socket: Duplex;
  readonly #decoder = new StreamDecoder();
  readonly #streams = new Map<number, PortStream>();
  readonly #usedIds = new UsedIds();
  #drained = Promise.withResolvers<void>();
  #violation: Error | undefined;

  constructor(socket: Duplex) {
    this.#socket = socket;
    const { promise, resolve } = Promise.withResolvers<Error | undefined>();
    this.closed = promise;
    socket.on("data", (chunk: Buffer) => this.#consume(chunk));
    socket.on("drain", () => this.#onDrain());
    socket.on("end", () => socket.destroy());
    socket.on("error", (error) => debug("%s", error.message));
    socket.once("close", () => {
      for (const stream of [...this.#streams.values()]) stream.close();
      this.#onDrain();
      resolve(this.#violation);
    });
  }

  /** A stream that was never opened before. Throws RangeError for a number that was, or that is none (0, 2^32). */
  open(id: number): MuxStream {
    const valid = Number.isInteger(id) && id > 0 && id <= frame.MAX_STREAM;
    if (!valid || !this.#usedIds.take(id)) throw new RangeError(`stream ${id} is ${valid ? "used" : "no number"}`);
    const stream = new PortStream(id, this.#port);
    this.#streams.set(id, stream);
    if (this.#socket.destroyed) stream.close();
    return stream;
  }

  /** Ends the mux: reads give what has arrived and then end, writes drop their bytes. Legal in any state, twice too. */
  close(): void {
    this.#socket.destroy();
  }

  #consume(chunk: Buffer): void {
    if (this.#socket.destroyed) return;
    try {
      this.#decoder.consume(chunk, this.#sink);
    } catch (error) {
      debug("violation: %s", (error as Error).message);
      this.#violation = error as Error;
      this.#socket.destroy();
    }
  }

  // Frames of streams that ended or were never opened are ignored: the two ends may cross.
  readonly #sink = {
    data: (id: number, bytes: Buffer) => this.#streams.get(id)?.receiveData(bytes),
    eof: (id: number) => this.#streams.get(id)?.receiveEof(),
    credit: (id: number, bytes: number) => this.#streams.get(id)?.receiveCredit(bytes),
    gone: (id: number) => this.#streams.get(id)?.receiveGone(),
  };

  readonly #port = ((mux: StreamMux) => ({
    reserve: new Reserve(RESERVE),
    get full() {
      return mux.#socket.writableNeedDrain;
    },
    drained: () => mux.#drained.promise,
    sendData: (id: number, bytes: Uint8Array) => mux.#sendData(id, bytes),
    // These do not wait for the socket: they are few, one for each 64 KiB received at most.
    sendEof: (id: number) => mux.#write(frame.encodeEof(id)),
    sendCredit: (id: number, bytes: number) => mux.#write(frame.encodeCredit(id, bytes)),
    sendGone: (id: number) => mux.#write(frame.encodeGone(id)),
    retire: (id: number) => void mux.#streams.delete(id),
  }))(this);

  /** All of it in one write to the kernel. */
  #sendData(id: number, bytes: Uint8Array): void {
    if (bytes.length <= COPY_LIMIT) {
      this.#write(frame.encodeData(id, bytes));
      return;
    }
    this.#socket.cork();
    for (let at = 0; at < bytes.length; at += frame.MAX_PAYLOAD) {
      const payload = bytes.subarray(at, at + frame.MAX_PAYLOAD);
      this.#write(frame.encodeHeader(frame.FrameType.Data, id, payload.length));
      this.#write(payload);
    }
    this.#socket.uncork();
  }

  #write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes);
  }

  #onDrain(): void {
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }
}
