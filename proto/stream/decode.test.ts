import { expect, test } from "vitest";
import { readVectors, vector } from "../testdata/vectors.ts";
import { cuts } from "../testing/cuts.ts";
import { StreamDecoder } from "./decode.ts";
import { encodeCredit, encodeData, encodeEof, encodeGone, MAX_PAYLOAD, StreamViolation } from "./frame.ts";

const vectors = readVectors("stream.vectors");

type Event = [kind: string, stream: number, value?: Buffer | number];

/** What the decoder tells, with the parts of each DATA frame joined. */
function decodeAll(pieces: Iterable<Buffer>): Event[] {
  const events: Event[] = [];
  const sink = {
    data(stream: number, bytes: Buffer) {
      const last = events.at(-1);
      if (last?.[0] === "data" && last[1] === stream) last[2] = Buffer.concat([last[2] as Buffer, bytes]);
      else events.push(["data", stream, bytes]);
    },
    eof: (stream: number) => events.push(["eof", stream]),
    credit: (stream: number, bytes: number) => events.push(["credit", stream, bytes]),
    gone: (stream: number) => events.push(["gone", stream]),
  };
  const decoder = new StreamDecoder();
  for (const piece of pieces) decoder.consume(piece, sink);
  return events;
}

const good: Record<string, { bytes: Buffer; event: Event }> = {
  "data-hello": { bytes: encodeData(3, Buffer.from("hello")), event: ["data", 3, Buffer.from("hello")] },
  "data-one-byte": { bytes: encodeData(0xffff_ffff, Buffer.of(0)), event: ["data", 0xffff_ffff, Buffer.of(0)] },
  eof: { bytes: encodeEof(3), event: ["eof", 3] },
  "credit-64k": { bytes: encodeCredit(3, 65536), event: ["credit", 3, 65536] },
  "credit-max": { bytes: encodeCredit(7, 0x7fff_ffff), event: ["credit", 7, 0x7fff_ffff] },
  gone: { bytes: encodeGone(7), event: ["gone", 7] },
};

test("every vector is tested", () => {
  expect([...vectors.keys()].filter((name) => !name.startsWith("bad-"))).toEqual(Object.keys(good));
});

test.each(Object.entries(good))("%s is written and read", (name, { bytes, event }) => {
  expect(bytes).toEqual(vector(vectors, name));
  expect(decodeAll([vector(vectors, name)])).toEqual([event]);
});

test.each([...vectors].filter(([name]) => name.startsWith("bad-")))("%s is a violation", (_, bytes) => {
  const before = vector(vectors, "data-hello");
  for (const pieces of cuts(Buffer.concat([before, bytes]))) expect(() => decodeAll(pieces)).toThrow(StreamViolation);
});

test("every way of cutting the bytes gives the same frames", () => {
  const bytes = Buffer.concat(Object.keys(good).map((name) => vector(vectors, name)));
  const expected = Object.values(good).map(({ event }) => event);
  for (const pieces of cuts(bytes)) expect(decodeAll(pieces)).toEqual(expected);
});

test("data is a view of its chunk", () => {
  const payload = Buffer.alloc(MAX_PAYLOAD, "x");
  const chunk = encodeData(1, payload);
  const data = decodeAll([chunk])[0]?.[2];
  if (!Buffer.isBuffer(data)) throw new Error("no data");
  expect(data.buffer).toBe(chunk.buffer);
  expect(data).toEqual(payload);
});
