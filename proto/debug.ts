import { formatWithOptions } from "node:util";

/** Writes one line for people: `scope` is the part of the program that it comes from. */
export type DebugSink = (scope: string, line: string) => void;

export type Debug = (format: string, ...values: unknown[]) => void;

const LINE_LIMIT = 16 * 1024;

let sink: DebugSink = (scope, line) => void process.stderr.write(`${scope}: ${line}\n`);
let isWanted = namedIn(process.env.NODE_DEBUG ?? "");

/**
 * A function that writes for those who look for a fault, as util.debuglog's does: NODE_DEBUG=microvm-qmp,microvm-ttrpc
 * turns scopes on, with `*` for any letters. Unlike that one it can write elsewhere than to standard error, which a
 * daemon does not have. What is not wanted costs a look-up.
 */
export function debugScope(scope: string): Debug {
  return (format, ...values) => {
    if (isWanted(scope))
      sink(scope, formatWithOptions({ breakLength: Infinity }, format, ...values).slice(0, LINE_LIMIT));
  };
}

/** Says where lines go from now on. `always`: scopes that are wanted whatever NODE_DEBUG says. */
export function sendDebug(to: DebugSink, always: readonly string[] = []): void {
  const named = namedIn(process.env.NODE_DEBUG ?? "");
  sink = to;
  isWanted = (scope) => always.includes(scope) || named(scope);
}

function namedIn(list: string): (scope: string) => boolean {
  const names = list.split(",").filter(Boolean);
  if (names.length === 0) return () => false;
  const patterns = names.map((name) =>
    name
      .split("*")
      .map((part) => part.replaceAll(/[^\w-]/g, "\\$&"))
      .join(".*"),
  );
  const pattern = new RegExp(`^(?:${patterns.join("|")})$`, "i");
  return (scope) => pattern.test(scope);
}
