/** A google.protobuf.Timestamp. */
export interface Timestamp {
  /** Seconds since the Unix epoch, rounded down. */
  readonly seconds: number;
  /** 0-999999999, counting forward from `seconds`. */
  readonly nanos: number;
}

/** The message for a point in time: a Date, or nanoseconds since the Unix epoch. */
export function timestamp(time: bigint | Date): Timestamp {
  const ns = typeof time === "bigint" ? time : BigInt(time.getTime()) * 1_000_000n;
  const nanos = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((ns - nanos) / 1_000_000_000n), nanos: Number(nanos) };
}

/** Nanoseconds since the Unix epoch. */
export function nanoseconds({ seconds, nanos }: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanos);
}
