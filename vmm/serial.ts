/** Runs one piece of work after the other, in the order in which they come. */
export class Serial {
  #tail: Promise<unknown> = Promise.resolve();

  /** Settles as the work does. Work that fails holds nothing back. */
  run<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = this.#tail.then(work);
    this.#tail = next.catch(() => {});
    return next;
  }

  /** Resolves when all that has come so far has settled. */
  async settled(): Promise<void> {
    await this.#tail;
  }
}
