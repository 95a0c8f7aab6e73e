import type net from "node:net";
import { afterEach, expect, test } from "vitest";
import { readVectors } from "../testdata/vectors.ts";
import { random } from "../testing/random.ts";
import { socketPair } from "../testing/socket-pair.ts";
import { settled, until } from "../testing/until.ts";
import { StreamDecoder } from "./decode.ts";
import { encodeCredit, encodeData, encodeEof, encodeGone, INITIAL_CREDIT, StreamViolation } from "./frame.ts";
import { type MuxStream, StreamMux } from "./mux.ts";

const sockets: net.Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

async function pair(): Promise<[StreamMux, StreamMux]> {
  const ends = await socketPair();
  sockets.push(...ends);
  return [new StreamMux(ends[0]), new StreamMux(ends[1])];
}

/** A mux, and what arrives at the raw other end. */
async function rawPeer() {
  const [near, far] = await socketPair();
  sockets.push(near, far);
  const received = { bytes: new Map<number, number>(), eof: [] as number[], gone: [] as number[], credit: 0 };
  const decoder = new StreamDecoder();
  far.on("data", (chunk: Buffer) =>
    decoder.consume(chunk, {
      data: (stream, bytes) => received.bytes.set(stream, (received.bytes.get(stream) ?? 0) + bytes.length),
      eof: (stream) => received.eof.push(stream),
      credit: (_, bytes) => {
        received.credit += bytes;
      },
      gone: (stream) => received.gone.push(stream),
    }),
  );
  return { mux: new StreamMux(near), far, received };
}

async function readAll(stream: MuxStream): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let chunk = await stream.read(); chunk; chunk = await stream.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

test("bytes and EOF pass, in chunks of any size, on many streams at once", async () => {
  const [near, far] = await pair();
  const next = random(7);
  await Promise.all(
    Array.from({ length: 30 }, async (_, index) => {
      const [from, to] = index % 2 ? [near, far] : [far, near];
      const writer = from.open(index + 1);
      const reading = readAll(to.open(index + 1));
      const chunks = Array.from({ length: 40 }, () =>
        Buffer.alloc(next(0, 9) ? next(1, 5000) : next(1, 300_000), next(0, 255)),
      );
      for (const chunk of chunks) void writer.write(chunk);
      writer.end();
      expect((await reading).equals(Buffer.concat(chunks))).toBe(true);
      await writer.gone;
    }),
  );
});

test("a stream number is used once, and 0 never", async () => {
  const [mux] = await pair();
  for (const id of [0, -1, 1.5, 2 ** 32]) expect(() => mux.open(id)).toThrow(RangeError);
  for (const id of [3, 1, 2]) mux.open(id).abandon();
  for (const id of [1, 2, 3]) expect(() => mux.open(id)).toThrow(RangeError);
  mux.open(2 ** 32 - 1);
});

test("a reader that stalls holds its credit and delays no other", async () => {
  const [near, far] = await pair();
  const stalled = near.open(1);
  const busy = near.open(2);
  far.open(1);
  const reader = far.open(2);
  const write = stalled.write(Buffer.alloc(10 << 20));
  const reading = readAll(reader);
  for (let chunk = 0; chunk < 50; chunk += 1) await busy.write(Buffer.alloc(100_000));
  busy.end();
  expect((await reading).length).toBe(5_000_000);
  expect(await Promise.race([write, "stalled"])).toBe("stalled");
});

test("a writer sends its credit and no more, and goes on as it is granted", async () => {
  const { mux, far, received } = await rawPeer();
  const write = mux.open(1).write(Buffer.alloc(INITIAL_CREDIT + 100_001));
  const sent = () => received.bytes.get(1) ?? 0;
  expect(await settled(sent)).toBe(INITIAL_CREDIT);
  far.write(encodeCredit(1, 100_000));
  expect(await settled(sent)).toBe(INITIAL_CREDIT + 100_000);
  far.write(encodeCredit(1, 1));
  await write;
});

test("a busy stream leaves room for others on a slow socket", async () => {
  const { mux, far, received } = await rawPeer();
  far.pause();
  const busy = mux.open(1);
  far.write(encodeCredit(1, 100 << 20));
  await settled(() => 0);
  void busy.write(Buffer.alloc(50 << 20));
  const small = mux.open(2).write(Buffer.from("hello"));
  const timer = setInterval(() => {
    far.resume();
    setImmediate(() => far.pause());
  }, 1);
  await small;
  clearInterval(timer);
  far.resume();
  await until(() => received.bytes.get(2) === 5);
  expect(received.bytes.get(1) ?? 0).toBeLessThan(5 << 20);
});

test("a socket that is not read from holds back the writers", async () => {
  const [near, far] = await socketPair();
  sockets.push(near, far);
  const mux = new StreamMux(near);
  for (let id = 1; id <= 100; id += 1) void mux.open(id).write(Buffer.alloc(INITIAL_CREDIT));
  // Each has one turn at most beyond what the socket wants to hold.
  expect(await settled(() => near.writableLength)).toBeLessThan(100 * (128 << 10) + (1 << 20));
  const early = near.writableLength;
  await expect(settled(() => near.writableLength)).resolves.toBe(early);
});

test("GONE ends the writer: what it has and gets is dropped, and nothing is sent", async () => {
  const { mux, far, received } = await rawPeer();
  const stream = mux.open(1);
  const write = stream.write(Buffer.alloc(1 << 20));
  expect(await settled(() => received.bytes.get(1) ?? 0)).toBe(INITIAL_CREDIT);
  far.write(Buffer.concat([encodeGone(1), encodeCredit(1, 1000), encodeGone(1)]));
  await stream.gone;
  await write;
  await stream.write(Buffer.from("more"));
  stream.end();
  stream.end();
  expect(await settled(() => received.bytes.get(1) ?? 0)).toBe(INITIAL_CREDIT);
  expect(received.eof).toEqual([]);
});

test("end() sends EOF once, after all bytes; writing after it is an error", async () => {
  const { mux, received } = await rawPeer();
  const stream = mux.open(1);
  void stream.write(Buffer.alloc(100_000));
  stream.end();
  stream.end();
  await expect(stream.write(Buffer.of(0))).rejects.toThrow("after end");
  await stream.gone;
  await until(() => received.eof.length === 1);
  expect(received.bytes.get(1)).toBe(100_000);
});

test("abandon() tells the peer once and ignores what crosses", async () => {
  const { mux, far, received } = await rawPeer();
  const stream = mux.open(1);
  const read = stream.read();
  stream.abandon();
  stream.abandon();
  expect(await read).toBeUndefined();
  far.write(Buffer.concat([encodeData(1, Buffer.alloc(1000)), encodeEof(1), encodeData(1, Buffer.alloc(1))]));
  await until(() => received.gone.length === 1);
  expect(await settled(() => received.gone.length)).toBe(1);
  expect(await stream.read()).toBeUndefined();
});

test("after EOF, abandon() has nobody to tell", async () => {
  const { mux, far, received } = await rawPeer();
  const stream = mux.open(1);
  far.write(encodeEof(1));
  expect(await stream.read()).toBeUndefined();
  stream.abandon();
  expect(await settled(() => received.gone.length)).toBe(0);
});

test("frames of unknown streams are ignored", async () => {
  const { mux, far } = await rawPeer();
  const stream = mux.open(1);
  far.write(Buffer.concat([encodeData(9, Buffer.alloc(30_000)), encodeEof(9), encodeCredit(9, 1), encodeGone(9)]));
  far.write(encodeData(1, Buffer.from("x")));
  expect(await stream.read()).toEqual(Buffer.from("x"));
});

const overdraft = Array.from({ length: 17 }, () => encodeData(1, Buffer.alloc(16_384)));
test.each([
  ["more than the credit", Buffer.concat(overdraft)],
  ["data after EOF", Buffer.concat([encodeEof(1), encodeData(1, Buffer.of(0))])],
  ["a second EOF", Buffer.concat([encodeEof(1), encodeEof(1)])],
  ...[...readVectors("stream.vectors")].filter(([name]) => name.startsWith("bad-")),
])("%s closes the mux with an error", async (_, bytes) => {
  const { mux, far } = await rawPeer();
  const [stalled, writer] = [mux.open(1), mux.open(2)];
  const write = writer.write(Buffer.alloc(1 << 20));
  far.write(bytes);
  expect(await mux.closed).toBeInstanceOf(StreamViolation);
  await write;
  await writer.gone;
  await readAll(stalled);
});

test("a peer that ends closes the mux without an error; what had arrived is read first", async () => {
  const { mux, far } = await rawPeer();
  const [reader, waiting] = [mux.open(1), mux.open(2)];
  const read = waiting.read();
  far.end(encodeData(1, Buffer.from("last words")));
  expect(await mux.closed).toBeUndefined();
  expect(await read).toBeUndefined();
  expect(await reader.read()).toEqual(Buffer.from("last words"));
  expect(await reader.read()).toBeUndefined();
  expect(await mux.open(3).read()).toBeUndefined();
});

test("close() settles everything, twice too", async () => {
  const [mux] = await pair();
  const stream = mux.open(1);
  const write = stream.write(Buffer.alloc(10 << 20));
  mux.close();
  mux.close();
  expect(await mux.closed).toBeUndefined();
  await write;
  await stream.gone;
  expect(await stream.read()).toBeUndefined();
});
