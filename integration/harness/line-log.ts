/** Text that grows, with marks to read from and a way to wait for what it will say. */

export class LineLog {
  #text = "";
  #grown = Promise.withResolvers<void>();

  add(bytes: Buffer | string): void {
    this.#text += bytes.toString();
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }

  /** A position: what is said later is read by text(position). */
  mark(): number {
    return this.#text.length;
  }
  text(from = 0): string {
    return this.#text.slice(from);
  }

  /** Resolves once the text after the mark contains the words. The caller bounds it. */
  async seen(words: string, from = 0): Promise<void> {
    while (!this.#text.includes(words, from)) await this.#grown.promise;
  }
}
