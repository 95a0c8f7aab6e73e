import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { Tail } from "./tail.ts";

test("keeps the last lines, printable, whatever is sent", async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  const tail = new Tail(stream, (line) => lines.push(line), 100);
  for (let i = 0; i < 1000; i++) stream.write(`line ${i}\r\n`);
  stream.write("\x1b]0;title\x07par");
  stream.end("tial");
  await tail.ended;
  expect(lines).toHaveLength(1000);
  expect(tail.text).toMatch(/line 998 \| line 999 \| \?\]0;title\?partial$/);
  expect(tail.text.length).toBeLessThan(300);
});
