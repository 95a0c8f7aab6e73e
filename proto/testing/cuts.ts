import { random } from "./random.ts";

/** Ways of cutting bytes: in one piece, in single bytes, in two at every place, and at random. */
export function* cuts(bytes: Buffer): Generator<Buffer[]> {
  yield [bytes];
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  for (let at = 1; at < bytes.length; at += 1) yield [bytes.subarray(0, at), bytes.subarray(at)];
  for (let seed = 0; seed < 200; seed += 1) {
    const next = random(seed);
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + next(1, 30));
      pieces.push(piece);
      at += piece.length;
    }
    yield pieces;
  }
}
