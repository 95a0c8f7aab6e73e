import { expect, test } from "vitest";
import { UsedIds } from "./used-ids.ts";

test("a number is taken once, in whatever order", () => {
  const ids = new UsedIds();
  for (const id of [2, 1, 5, 3, 4, 7]) expect(ids.take(id)).toBe(true);
  for (const id of [1, 2, 3, 4, 5, 7]) expect(ids.take(id)).toBe(false);
  expect(ids.take(6)).toBe(true);
});

test("numbers left out do not pile up, and none is given twice", () => {
  const ids = new UsedIds();
  for (let id = 1; id < 30_000; id += 3) expect(ids.take(id)).toBe(true);
  for (let id = 1; id < 30_000; id += 3) expect(ids.take(id)).toBe(false);
  expect(ids.take(2)).toBe(false);
  expect(ids.take(29_999)).toBe(true);
});
