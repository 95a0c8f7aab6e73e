/** Status codes of an RPC, numbered as gRPC numbers them (google.rpc.Code). */
export const Code = {
  Ok: 0,
  Canceled: 1,
  Unknown: 2,
  InvalidArgument: 3,
  DeadlineExceeded: 4,
  NotFound: 5,
  AlreadyExists: 6,
  PermissionDenied: 7,
  ResourceExhausted: 8,
  FailedPrecondition: 9,
  Aborted: 10,
  OutOfRange: 11,
  Unimplemented: 12,
  Internal: 13,
  Unavailable: 14,
  DataLoss: 15,
  Unauthenticated: 16,
} as const;

export type Code = (typeof Code)[keyof typeof Code];

const names = new Map<number, string>(Object.entries(Code).map(([name, code]) => [code, name]));

/** The code with this number; Unknown for a number that gRPC does not define. */
export function codeOf(number: number): Code {
  return names.has(number) ? (number as Code) : Code.Unknown;
}

/** A code's name, such as `NotFound`, for logs. */
export function codeName(code: Code): string {
  return names.get(code) ?? "Unknown";
}
