import { INITIAL_CREDIT } from "./frame.ts";

/** The socket, as a stream that sends sees it. */
export interface Port {
  /** True while the socket holds as much as it wants to. */
  readonly full: boolean;
  /** Settles when the socket takes more again, or has closed. */
  drained(): Promise<void>;
  sendData(stream: number, bytes: Uint8Array): void;
  sendEof(stream: number): void;
}

// What one stream hands to the socket before the others have their turn.
const TURN = 128 << 10;

/** What is to be sent on a stream, within the credit that the peer granted. */
export class Outbox {
  /** Settles when nothing more can be sent: the peer takes no more, EOF was sent, or the socket has closed. */
  readonly over: Promise<void>;
  readonly #id: number;
  readonly #port: Port;
  readonly #settleOver: () => void;
  #isOver = false;
  #credit = INITIAL_CREDIT;
  #tail: Promise<void> = Promise.resolve();
  #ending = false;
  #onChange: (() => void) | undefined;

  constructor(id: number, port: Port) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.over = promise;
    this.#settleOver = resolve;
    this.#id = id;
    this.#port = port;
  }

  /** Sends after what was written before. Never rejects; once over, it drops the bytes. */
  write(chunk: Uint8Array): Promise<void> {
    if (this.#ending) return Promise.reject(new Error("write after end"));
    this.#tail = this.#tail.then(() => this.#send(chunk));
    return this.#tail;
  }

  /** Sends EOF after what was written before, then calls `sent`. Only the first call counts. */
  end(sent: () => void): void {
    if (this.#ending) return;
    this.#ending = true;
    void this.#tail.then(() => {
      if (!this.#isOver) this.#port.sendEof(this.#id);
      this.finish();
      sent();
    });
  }

  addCredit(bytes: number): void {
    this.#credit += bytes;
    this.#onChange?.();
  }

  /** Drops what was not sent. Legal twice. */
  finish(): void {
    this.#isOver = true;
    this.#settleOver();
    this.#onChange?.();
  }

  async #send(chunk: Uint8Array): Promise<void> {
    let at = 0;
    while (at < chunk.length && !this.#isOver) {
      if (this.#credit === 0) {
        await this.#change();
        continue;
      }
      // Not asked again after the wait: other streams may have filled the socket meanwhile, and one that sends much
      // would keep one that sends little waiting for ever.
      if (this.#port.full) await this.#port.drained();
      if (this.#isOver) return;
      const bytes = chunk.subarray(at, at + Math.min(this.#credit, TURN));
      this.#port.sendData(this.#id, bytes);
      this.#credit -= bytes.length;
      at += bytes.length;
    }
  }

  #change(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onChange = resolve;
    return promise;
  }
}
