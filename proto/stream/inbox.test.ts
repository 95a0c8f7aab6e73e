import { expect, test } from "vitest";
import { random } from "../testing/random.ts";
import { INITIAL_CREDIT, StreamViolation } from "./frame.ts";
import { Inbox } from "./inbox.ts";

function inbox() {
  const grants: number[] = [];
  return { grants, box: new Inbox((bytes) => grants.push(bytes)) };
}

test("credit goes back when the next read shows that the bytes were passed on", async () => {
  const { grants, box } = inbox();
  box.push(Buffer.alloc(65536));
  await box.read();
  expect(grants).toEqual([]);
  void box.read();
  expect(grants).toEqual([65536]);
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
