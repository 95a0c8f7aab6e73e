import { INITIAL_CREDIT, StreamViolation } from "./frame.ts";
import type { Reserve } from "./reserve.ts";

// Credit goes back in portions: one frame for each is cheap, and the writer still has three quarters to send meanwhile.
const GRANT_SIZE = INITIAL_CREDIT / 4;
// A stream through which much has come already gets so much credit more, once: a quarter of the messages, and fewer
// changes between the programs on the way.
const EXTRA_CREDIT = 3 * INITIAL_CREDIT;
// Parts below this size that must wait are gathered, so that a peer that sends single bytes cannot fill the memory
// with bookkeeping.
const SMALL = 4 << 10;
const GATHER_SIZE = 16 << 10;

/** What has arrived on a stream and was not read yet: never more than the stream's credit. */
export class Inbox {
  readonly #grant: (bytes: number) => void;
  readonly #reserve: Reserve;
  /** Of the reserve. */
  #extra = 0;
  #allPassedOn = 0;
  readonly #queue: Buffer[] = [];
  #gathered: Buffer | undefined;
  #gatheredLength = 0;
  #credit = INITIAL_CREDIT;
  #lastRead = 0;
  #passedOn = 0;
  #ended = false;
  #waiting: PromiseWithResolvers<Buffer | undefined> | undefined;

  /** `grant` sends the peer credit; what is granted beyond the initial credit comes out of `reserve`. */
  constructor(grant: (bytes: number) => void, reserve: Reserve) {
    this.#grant = grant;
    this.#reserve = reserve;
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
    this.#reserve.giveBack(this.#extra);
    this.#extra = 0;
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
    if (this.#passedOn < (this.#extra > 0 ? GRANT_SIZE + EXTRA_CREDIT / 4 : GRANT_SIZE) || this.#ended) return;
    this.#allPassedOn += this.#passedOn;
    const credit = this.#passedOn + this.#growth();
    this.#credit += credit;
    this.#grant(credit);
    this.#passedOn = 0;
  }

  #growth(): number {
    if (this.#extra > 0 || this.#allPassedOn <= INITIAL_CREDIT || !this.#reserve.take(EXTRA_CREDIT)) return 0;
    this.#extra = EXTRA_CREDIT;
    return EXTRA_CREDIT;
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
