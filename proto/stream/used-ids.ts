/** The numbers that were taken. Those taken in order cost no memory: a VM may live through millions of streams. */
export class UsedIds {
  /** All numbers up to this one are taken. */
  #upTo = 0;
  readonly #beyond = new Set<number>();

  /** Takes a number from 1 on; false if it was taken before. */
  take(id: number): boolean {
    if (id <= this.#upTo || this.#beyond.has(id)) return false;
    this.#beyond.add(id);
    while (this.#beyond.delete(this.#upTo + 1)) this.#upTo += 1;
    return true;
  }
}
