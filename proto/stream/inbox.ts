import { INITIAL_CREDIT, StreamViolation } from "./frame.ts";

// Credit goes back in portions: one frame for each is cheap, and the writer still has three quarters to send meanwhile.
const GRANT_SIZE = 64 << 10;
// Parts below this size that must wait are gathered, so that a peer that sends single bytes cannot fill the memory
// with bookkeeping.
const SMALL = 4 << 10;
const GATHER_SIZE = 16 << 10;

/** What has arrived on a stream and was not read yet: never more than the stream's credit. */
export class Inbox {
  readonly #grant: (bytes: number) => void;
  readonly #queue: Buffer[] = [];
  #gathered: Buffer | undefined;
  #gatheredLength = 0;
  #credit = INITIAL_CREDIT;
  #lastRead = 0;
  #passedOn = 0;
  #ended = false;
  #waiting: PromiseWithResolvers<Buffer | undefined> | undefined;

  /** `grant` sends the peer credit. */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  /** Takes bytes from the peer. Throws StreamViolation if it had no credit for them or has ended the stream. */
  push(bytes: Buffer): void {
    if (this.#ended) throw new StreamViolation("DATA after EOF");
    if (bytes.length > this.#credit) throw new StreamViolation("more DATA than was granted");
    this.#credit -= bytes.length;
    if (this.#waiting) this.#deliver(bytes);
    else if (bytes.length < SMALL) this.#gather(bytes);
    else {
      this.#closeGathered();
      // A view keeps its whole chunk alive; four times the credit is as much as a stream may hold.
      this.#queue.push(bytes.length * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes);
    }
  }

  /** Takes the peer's EOF. Throws StreamViolation if it was sent before. */
  pushEof(): void {
    if (this.#ended) throw new StreamViolation("EOF after EOF");
    this.end();
  }

  /** No more will come, by the peer's EOF or because the stream is over. Legal twice. */
  end(): void {
    this.#ended = true;
    if (this.#waiting) this.#deliver(undefined);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Ends the inbox and drops what it holds. */
  discard(): void {
    this.#queue.length = 0;
    this.#gathered = undefined;
    this.end();
  }

  /** The next bytes, undefined at the end. Asking for more tells that those before were passed on. */
  async read(): Promise<Buffer | undefined> {
    if (this.#waiting) throw new Error("a read of this stream is under way");
    this.#returnCredit();
    if (this.#queue.length === 0) this.#closeGathered();
    const bytes = this.#queue.shift();
    if (bytes) this.#lastRead = bytes.length;
    if (bytes || this.#ended) return bytes;
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  #returnCredit(): void {
    this.#passedOn += this.#lastRead;
    this.#lastRead = 0;
    if (this.#passedOn < GRANT_SIZE || this.#ended) return;
    this.#credit += this.#passedOn;
    this.#grant(this.#passedOn);
    this.#passedOn = 0;
  }

  #deliver(bytes: Buffer | undefined): void {
    this.#lastRead = bytes?.length ?? 0;
    this.#waiting?.resolve(bytes);
    this.#waiting = undefined;
  }

  #gather(bytes: Buffer): void {
    if (this.#gatheredLength + bytes.length > GATHER_SIZE) this.#closeGathered();
    this.#gathered ??= Buffer.allocUnsafeSlow(GATHER_SIZE);
    this.#gatheredLength += bytes.copy(this.#gathered, this.#gatheredLength);
  }

  #closeGathered(): void {
    if (this.#gathered) this.#queue.push(this.#gathered.subarray(0, this.#gatheredLength));
    this.#gathered = undefined;
    this.#gatheredLength = 0;
  }
}
