import { monotonicMs } from "../proto/monotonic.ts";
import type { MuxStream } from "../proto/stream/mux.ts";
import { mark } from "../proto/trace.ts";
import type { Sink } from "./sink.ts";

/** One output of a process, on its way from the guest to where the client wants it. */
export class Output {
  /** Settles when all of it is there, or no more can be; never rejects. */
  readonly done: Promise<void>;
  readonly #stream: MuxStream;
  readonly #sink: Sink;
  #writing = false;
  #idleSince = monotonicMs();

  constructor(stream: MuxStream, sink: Sink) {
    this.#stream = stream;
    this.#sink = sink;
    this.done = this.#copy();
  }

  async #copy(): Promise<void> {
    try {
      let first = true;
      for (let bytes = await this.#stream.read(); bytes !== undefined; bytes = await this.#stream.read()) {
        if (first) mark("first output");
        first = false;
        this.#writing = true;
        await this.#sink.write(bytes);
        this.#writing = false;
        this.#idleSince = monotonicMs();
      }
      this.#writing = true;
      await this.#sink.end();
    } catch {
      // Nobody takes it any more; the process is told, as by a pipe.
      this.close();
    } finally {
      this.#writing = false;
      this.#idleSince = Number.NEGATIVE_INFINITY;
    }
  }

  /** How long nothing has come from the guest, in milliseconds: 0 while bytes wait for their reader, no end when done. */
  get quietMs(): number {
    return this.#writing ? 0 : monotonicMs() - this.#idleSince;
  }

  /** Gives up on what has not been written. Legal in any state, twice too. */
  close(): void {
    this.#stream.abandon();
    this.#sink.destroy();
  }
}
