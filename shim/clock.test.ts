import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { followClock } from "./clock.ts";

beforeEach(() => vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] }));
afterEach(() => vi.useRealTimers());

/** A host whose clocks go as told. */
function host() {
  let wall = 1_000_000;
  let monotonic = 0;
  const correct = vi.fn(() => Promise.resolve());
  const stop = followClock(correct, { wall: () => wall, monotonic: () => monotonic });
  return {
    correct,
    stop,
    async pass(ms: number, { suspended = 0 } = {}) {
      wall += ms + suspended;
      monotonic += ms;
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

test("a clock that goes evenly needs no correction", async () => {
  const { correct, pass, stop } = host();
  await pass(60_000);
  expect(correct).not.toHaveBeenCalled();
  stop();
});

test("a host that was suspended corrects the guest once", async () => {
  const { correct, pass, stop } = host();
  await pass(10_000, { suspended: 3_600_000 });
  await pass(60_000);
  expect(correct).toHaveBeenCalledTimes(1);
  stop();
});

test("a clock set back counts too, and a failed correction is repeated", async () => {
  const { correct, pass, stop } = host();
  correct.mockRejectedValueOnce(new Error("busy"));
  await pass(5_000, { suspended: -1_000 });
  await pass(5_000);
  await pass(5_000);
  expect(correct).toHaveBeenCalledTimes(2);
  stop();
  await pass(5_000, { suspended: 1_000 });
  expect(correct).toHaveBeenCalledTimes(2);
});
