import { monotonicMs } from "../proto/monotonic.ts";

/** How often the host's clock is looked at. */
const PERIOD_MS = 5_000;
/** A step of the host's wall clock that the guest is told of; half of what a container may be off by. */
const STEP_MS = 25;

/** The clocks of the host, in milliseconds. */
export interface Clocks {
  /** CLOCK_REALTIME. */
  wall(): number;
  /** CLOCK_MONOTONIC: stands still while the host is suspended, as the guest does. */
  monotonic(): number;
}

const HOST: Clocks = { wall: () => Date.now(), monotonic: () => monotonicMs() };

/**
 * The guest's wall clock goes on by itself from where it was set. When the host's leaves that line, after a suspend or
 * because somebody set it, `correct` is called to set the guest's anew. Gives the function that ends it.
 */
export function followClock(correct: () => Promise<unknown>, clocks: Clocks = HOST): () => void {
  const line = () => clocks.wall() - clocks.monotonic();
  let known = line();
  const timer = setInterval(() => {
    const now = line();
    if (Math.abs(now - known) < STEP_MS) return;
    // A guest that does not take it is gone, or is asked again the next time.
    correct().then(
      () => (known = now),
      () => {},
    );
  }, PERIOD_MS);
  timer.unref();
  return () => clearInterval(timer);
}
