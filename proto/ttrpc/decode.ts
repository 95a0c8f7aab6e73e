import { type Frame, type FrameHead, HEADER_LENGTH, MAX_LENGTH } from "./frame.ts";

/** The header of a frame whose data is over MAX_LENGTH and is being discarded. */
export interface Oversized extends FrameHead {
  /** Bytes that the frame announced. */
  readonly length: number;
  readonly payload?: never;
}

type State =
  | { readonly name: "header" }
  | { readonly name: "payload"; readonly head: FrameHead; readonly bytes: Buffer; filled: number }
  | { readonly name: "discard"; left: number };

/**
 * Cuts a byte stream into frames, however it arrives. It holds no more than one frame, and a payload that arrived in
 * one chunk is a view of that chunk.
 */
export class FrameDecoder {
  readonly #header = Buffer.alloc(HEADER_LENGTH);
  #headerFilled = 0;
  #state: State = { name: "header" };

  /** Yields what `chunk` completes. It must be run to its end before the next chunk. */
  *consume(chunk: Uint8Array): Generator<Frame | Oversized> {
    let at = 0;
    while (at < chunk.length) {
      const state = this.#state;
      if (state.name === "discard") {
        const skipped = Math.min(state.left, chunk.length - at);
        at += skipped;
        state.left -= skipped;
        if (state.left === 0) this.#state = { name: "header" };
      } else if (state.name === "payload") {
        const part = chunk.subarray(at, at + state.bytes.length - state.filled);
        state.bytes.set(part, state.filled);
        state.filled += part.length;
        at += part.length;
        if (state.filled < state.bytes.length) return;
        this.#state = { name: "header" };
        yield { ...state.head, payload: state.bytes };
      } else {
        const part = chunk.subarray(at, at + HEADER_LENGTH - this.#headerFilled);
        this.#header.set(part, this.#headerFilled);
        this.#headerFilled += part.length;
        at += part.length;
        if (this.#headerFilled < HEADER_LENGTH) return;
        this.#headerFilled = 0;
        const found = this.#begin(chunk.subarray(at));
        if (!found) continue;
        at += found.payload?.length ?? 0;
        yield found;
      }
    }
  }

  /** Reads the header that is complete now; `rest` is what follows it in the chunk. */
  #begin(rest: Uint8Array): Frame | Oversized | undefined {
    const length = this.#header.readUInt32BE(0);
    const head = {
      streamId: this.#header.readUInt32BE(4),
      type: this.#header.readUInt8(8),
      flags: this.#header.readUInt8(9),
    };
    if (length > MAX_LENGTH) {
      this.#state = { name: "discard", left: length };
      return { ...head, length };
    }
    if (length <= rest.length) return { ...head, payload: rest.subarray(0, length) };
    // Allocated at once and not as it arrives: pages that are never written cost nothing, and one-byte chunks stay cheap.
    this.#state = { name: "payload", head, bytes: Buffer.allocUnsafeSlow(length), filled: 0 };
    return undefined;
  }
}
