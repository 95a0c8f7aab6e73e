// As many numbers may be opened out of order. Numbers left out further back than that count as used.
const REMEMBERED = 1024;

/** The numbers that were taken, in bounded memory: a VM may live through millions of streams. */
export class UsedIds {
  /** All numbers up to this one count as taken. */
  #upTo = 0;
  readonly #beyond = new Set<number>();

  /** Takes a number from 1 on; false if it was taken before. */
  take(id: number): boolean {
    if (id <= this.#upTo || this.#beyond.has(id)) return false;
    this.#beyond.add(id);
    if (this.#beyond.size > REMEMBERED) this.#upTo = Math.min(...this.#beyond) - 1;
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo += 1;
    return true;
  }
}
