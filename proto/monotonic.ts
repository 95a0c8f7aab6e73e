/** Milliseconds of the monotonic clock. `performance` would be loaded at its first use, which takes 4 ms. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
