import { Inbox } from "./inbox.ts";
import { Outbox, type Port } from "./outbox.ts";
import type { Reserve } from "./reserve.ts";

/** One stream of a mux. It flows one way: its user either writes and ends it, or reads it to its end or abandons it. */
export interface MuxStream {
  readonly id: number;
  /**
   * Sends bytes, after those written before. Resolves when the socket has all of them, as far as the peer's credit and
   * the socket's pace allow; once `gone`, at once and without sending. The chunk must not be changed afterwards.
   * Rejects only after `end()`.
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Sends EOF after what was written. Legal in any state, twice too. */
  end(): void;
  /** Settles when the peer takes no more: it said so, EOF was sent, or the mux closed. */
  readonly gone: Promise<void>;
  /**
   * The next bytes, 1 or more; undefined at EOF, or when the mux has closed and all that had arrived was read. The
   * peer may send more only when the bytes were passed on, and the next read says so. One read at a time.
   */
  read(): Promise<Buffer | undefined>;
  /** Reads no more: drops what has arrived and tells the peer. Legal in any state, twice too. */
  abandon(): void;
}

/** What a stream needs of its mux. */
export interface StreamPort extends Port {
  /** What all streams together may be granted beyond their initial credit. */
  readonly reserve: Reserve;
  sendCredit(stream: number, bytes: number): void;
  sendGone(stream: number): void;
  /** The stream has ended: frames for it mean nothing from now on. */
  retire(stream: number): void;
}

/** The mux's side of a stream: what arrives for it. */
export class PortStream implements MuxStream {
  readonly id: number;
  readonly gone: Promise<void>;
  readonly #port: StreamPort;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;

  constructor(id: number, port: StreamPort) {
    this.id = id;
    this.#port = port;
    this.#inbox = new Inbox((bytes) => port.sendCredit(id, bytes), port.reserve);
    this.#outbox = new Outbox(id, port);
    this.gone = this.#outbox.over;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#outbox.write(chunk);
  }

  end(): void {
    this.#outbox.end(() => this.close());
  }

  async read(): Promise<Buffer | undefined> {
    const bytes = await this.#inbox.read();
    // Not sooner: as long as the stream is known, DATA after EOF is a violation and not a crossing.
    if (!bytes) this.close();
    return bytes;
  }

  abandon(): void {
    if (!this.#inbox.ended) this.#port.sendGone(this.id);
    this.#inbox.discard();
    this.close();
  }

  /** Throws StreamViolation. */
  receiveData(bytes: Buffer): void {
    this.#inbox.push(bytes);
  }

  /** Throws StreamViolation. */
  receiveEof(): void {
    this.#inbox.pushEof();
  }

  receiveCredit(bytes: number): void {
    this.#outbox.addCredit(bytes);
  }

  receiveGone(): void {
    this.close();
  }

  /** Ends both directions; what has arrived can still be read. Legal twice. */
  close(): void {
    this.#inbox.end();
    this.#outbox.finish();
    this.#port.retire(this.id);
  }
}
