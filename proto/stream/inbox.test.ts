import { expect, test } from "vitest";
import { random } from "../testing/random.ts";
import { INITIAL_CREDIT, StreamViolation } from "./frame.ts";
import { Inbox } from "./inbox.ts";
import { Reserve } from "./reserve.ts";

function inbox(reserve = new Reserve(0)) {
  const grants: number[] = [];
  return { grants, box: new Inbox((bytes) => grants.push(bytes), reserve) };
}

/** Receives and passes on so many bytes, in parts of 64 KiB. */
async function flow(box: Inbox, bytes: number): Promise<void> {
  for (let left = bytes; left > 0; left -= 65536) {
    box.push(Buffer.alloc(65536));
    await box.read();
  }
}

test("credit goes back when the next read shows that the bytes were passed on", async () => {
  const { grants, box } = inbox();
  box.push(Buffer.alloc(65536));
  await box.read();
  expect(grants).toEqual([]);
  void box.read();
  expect(grants).toEqual([65536]);
});

test("a stream through which more than its credit has flowed gets more of it, in larger portions, while there is some", async () => {
  const extra = 3 * INITIAL_CREDIT;
  const reserve = new Reserve(extra);
  const one = inbox(reserve);
  await flow(one.box, INITIAL_CREDIT + 2 * 65536);
  expect(one.grants).toEqual([65536, 65536, 65536, 65536, 65536 + extra]);
  await flow(one.box, 6 * 65536);
  expect(one.grants.slice(5)).toEqual([4 * 65536]);
  const other = inbox(reserve);
  await flow(other.box, 2 * INITIAL_CREDIT);
  expect(other.grants).toEqual(Array.from({ length: 7 }, () => 65536));
  one.box.pushEof();
  await flow(other.box, 65536);
  expect(other.grants.at(-1)).toBe(65536 + extra);
});

test("no more is taken than was granted beyond", async () => {
  const { box, grants } = inbox(new Reserve(3 * INITIAL_CREDIT));
  await flow(box, 2 * INITIAL_CREDIT);
  const left = grants.reduce((sum, bytes) => sum + bytes, 0) - INITIAL_CREDIT;
  expect(left).toBeGreaterThan(2 * INITIAL_CREDIT);
  for (let at = 0; at < left; at += 65536) box.push(Buffer.alloc(65536));
  expect(() => box.push(Buffer.of(0))).toThrow(StreamViolation);
});

test("small reads are granted together", async () => {
  const { grants, box } = inbox();
  for (let at = 0; at < 65537; at += 1) {
    const read = box.read();
    box.push(Buffer.of(0));
    await read;
  }
  expect(grants).toEqual([65536]);
});

test("bytes over the credit, and anything after EOF, are violations", () => {
  const over = inbox().box;
  over.push(Buffer.alloc(INITIAL_CREDIT));
  expect(() => over.push(Buffer.of(0))).toThrow(StreamViolation);
  const ended = inbox().box;
  ended.pushEof();
  expect(() => ended.push(Buffer.of(0))).toThrow(StreamViolation);
  expect(() => ended.pushEof()).toThrow(StreamViolation);
});

test("what arrived before the end is read before it", async () => {
  const { box } = inbox();
  box.push(Buffer.from("a"));
  box.push(Buffer.from("b"));
  box.pushEof();
  expect(await box.read()).toEqual(Buffer.from("ab"));
  expect(await box.read()).toBeUndefined();
  expect(await box.read()).toBeUndefined();
});

test("one read at a time", async () => {
  const { box } = inbox();
  const first = box.read();
  await expect(box.read()).rejects.toThrow("under way");
  box.push(Buffer.from("x"));
  expect(await first).toEqual(Buffer.from("x"));
});

test("single bytes that wait are gathered, and views of large chunks copied", async () => {
  const { box } = inbox();
  const chunk = Buffer.alloc(65536, 1);
  for (let at = 0; at < 1000; at += 1) box.push(chunk.subarray(at, at + 1));
  box.push(chunk.subarray(0, 5000));
  const gathered = await box.read();
  expect(gathered?.length).toBe(1000);
  const copied = await box.read();
  expect(copied?.length).toBe(5000);
  expect(copied?.buffer).not.toBe(chunk.buffer);
});

test("any mix of sizes and reads keeps the bytes and their order", async () => {
  for (let seed = 0; seed < 50; seed += 1) {
    const next = random(seed);
    const { box } = inbox();
    const sent: Buffer[] = [];
    const read: Buffer[] = [];
    for (let step = 0; step < 100; step += 1) {
      if (next(0, 2) > 0) {
        const bytes = Buffer.alloc(next(0, 3) === 0 ? next(4096, 9000) : next(1, 500), next(0, 255));
        sent.push(bytes);
        if (sent.reduce((sum, { length }) => sum + length, 0) > INITIAL_CREDIT) {
          sent.pop();
          break;
        }
        box.push(bytes);
      } else if (sent.length > 0 && Buffer.concat(sent).length > Buffer.concat(read).length) {
        read.push((await box.read()) ?? Buffer.alloc(0));
      }
    }
    box.pushEof();
    for (let bytes = await box.read(); bytes; bytes = await box.read()) read.push(bytes);
    expect(Buffer.concat(read).equals(Buffer.concat(sent))).toBe(true);
  }
});
