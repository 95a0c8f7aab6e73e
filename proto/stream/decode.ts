import { FrameType, HEADER_LENGTH, MAX_CREDIT, MAX_PAYLOAD, StreamViolation } from "./frame.ts";

/** What a decoder tells of the frames that it reads. */
export interface FrameSink {
  /** Some bytes of a DATA frame, in order and at least one: a view of the chunk. A frame may come in several parts. */
  data(stream: number, bytes: Buffer): void;
  eof(stream: number): void;
  credit(stream: number, bytes: number): void;
  gone(stream: number): void;
}

const CREDIT_LENGTH = HEADER_LENGTH + 4;

/** Reads frames from a byte stream, however it is cut, without copying or holding their data. */
export class StreamDecoder {
  // A header, or a whole CREDIT frame, as far as it has arrived.
  readonly #held = Buffer.alloc(CREDIT_LENGTH);
  #filled = 0;
  #wanted = HEADER_LENGTH;
  #stream = 0;
  /** Bytes that are missing from the DATA frame under way. */
  #dataLeft = 0;

  /** Tells `sink` what `chunk` brings. Throws StreamViolation; the decoder is of no use after that. */
  consume(chunk: Buffer, sink: FrameSink): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#dataLeft > 0) {
        const bytes = chunk.subarray(at, at + this.#dataLeft);
        this.#dataLeft -= bytes.length;
        at += bytes.length;
        sink.data(this.#stream, bytes);
      } else {
        const copied = chunk.copy(this.#held, this.#filled, at, at + this.#wanted - this.#filled);
        this.#filled += copied;
        at += copied;
        if (this.#filled === this.#wanted) this.#complete(sink);
      }
    }
  }

  #complete(sink: FrameSink): void {
    if (this.#wanted === CREDIT_LENGTH) {
      this.#reset();
      sink.credit(this.#stream, checkCredit(this.#held.readUInt32BE(HEADER_LENGTH)));
      return;
    }
    const length = this.#held.readUInt32BE(0);
    this.#stream = this.#held.readUInt32BE(4);
    const type = checkHeader(length, this.#stream, this.#held.readUInt32BE(8));
    if (type === FrameType.Credit) {
      this.#wanted = CREDIT_LENGTH;
      return;
    }
    this.#reset();
    if (type === FrameType.Data) this.#dataLeft = length;
    else if (type === FrameType.Eof) sink.eof(this.#stream);
    else sink.gone(this.#stream);
  }

  #reset(): void {
    this.#filled = 0;
    this.#wanted = HEADER_LENGTH;
  }
}

/** `typeWord` is the type and the three bytes after it. */
function checkHeader(length: number, stream: number, typeWord: number): FrameType {
  if (length > MAX_PAYLOAD) throw new StreamViolation(`frame of ${length} bytes`);
  if (stream === 0) throw new StreamViolation("frame of stream 0");
  if ((typeWord & 0xff_ffff) !== 0) throw new StreamViolation("reserved bytes of a frame are not zero");
  const type = typeWord >>> 24;
  switch (type) {
    case FrameType.Data:
      if (length === 0) throw new StreamViolation("DATA without bytes");
      return type;
    case FrameType.Credit:
      if (length !== 4) throw new StreamViolation(`CREDIT of ${length} bytes`);
      return type;
    case FrameType.Eof:
    case FrameType.Gone:
      if (length !== 0) throw new StreamViolation(`frame of type ${type} with ${length} bytes`);
      return type;
    default:
      throw new StreamViolation(`frame of unknown type ${type}`);
  }
}

function checkCredit(bytes: number): number {
  if (bytes === 0 || bytes > MAX_CREDIT) throw new StreamViolation(`CREDIT for ${bytes} bytes`);
  return bytes;
}
