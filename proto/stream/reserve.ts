/** Bytes that many share, each of whom may take a part: what streams may hold beyond their initial credit. */
export class Reserve {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  /** False, with nothing taken, if there are not so many left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  giveBack(bytes: number): void {
    this.#left += bytes;
  }
}
