import { expect, test } from "vitest";
import { readVectors, vector } from "../testdata/vectors.ts";
import { cuts } from "../testing/cuts.ts";
import { FrameDecoder, type Oversized } from "./decode.ts";
import { encodeFrame, type Frame, FrameType, MAX_LENGTH } from "./frame.ts";

const vectors = readVectors("ttrpc.vectors");

function decodeAll(pieces: Iterable<Buffer>): (Frame | Oversized)[] {
  const decoder = new FrameDecoder();
  return Array.from(pieces).flatMap((piece) => [...decoder.consume(piece)]);
}

test.each(["header-request", "header-response", "header-data"])(
  "%s is what a frame of its length begins with",
  (name) => {
    const header = vector(vectors, name);
    const payload = Buffer.alloc(header.readUInt32BE(0), "x");
    const [frame] = decodeAll([header, payload]);
    if (!frame?.payload) throw new Error("no frame");
    expect(frame.type).toBe({ "header-request": 1, "header-response": 2, "header-data": 3 }[name]);
    expect(encodeFrame(frame)).toEqual(Buffer.concat([header, payload]));
  },
);

test("every way of cutting the bytes gives the same frames", () => {
  const names = ["request-kill", "response-empty", "half-close", "events-data-exit", "request-hello"];
  const bytes = Buffer.concat(names.map((name) => vector(vectors, name)));
  const whole = decodeAll([bytes]);
  expect(whole).toHaveLength(names.length);
  for (const pieces of cuts(bytes)) {
    const frames = decodeAll(pieces).map((frame) => ({ ...frame, payload: Buffer.from(frame.payload ?? []) }));
    expect(frames).toEqual(whole);
  }
});

test("a payload that arrived in one chunk is not copied", () => {
  const bytes = vector(vectors, "request-kill");
  const [frame] = decodeAll([bytes]);
  expect(frame?.payload?.buffer).toBe(bytes.buffer);
});

test("the longest data passes", () => {
  const [frame] = decodeAll([vector(vectors, "header-max"), Buffer.alloc(MAX_LENGTH)]);
  expect(frame?.payload?.length).toBe(MAX_LENGTH);
});

test("of oversized data exactly its length is skipped", () => {
  const next = vector(vectors, "request-kill");
  const skipped = Buffer.alloc(MAX_LENGTH + 1, 0xff);
  for (const cut of [1, 10, 4096, MAX_LENGTH, MAX_LENGTH + 1]) {
    const pieces = [vector(vectors, "header-oversized"), skipped.subarray(0, cut), skipped.subarray(cut), next];
    expect(decodeAll(pieces)).toEqual([
      { streamId: 5, type: FrameType.Request, flags: 0, length: MAX_LENGTH + 1 },
      expect.objectContaining({ streamId: 7 }),
    ]);
    expect(decodeAll([Buffer.concat(pieces)])).toHaveLength(2);
  }
});
