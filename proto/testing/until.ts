import { setTimeout as sleep } from "node:timers/promises";

/** Waits, at most two seconds, until `condition` holds. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never came true: ${condition}`);
    await sleep(5);
  }
}

/** Waits until a value has not changed for 50 ms, and gives it. */
export async function settled(value: () => number): Promise<number> {
  for (let last = -1; ; ) {
    if (value() === last) return last;
    last = value();
    await sleep(50);
  }
}
