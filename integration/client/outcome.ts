/** What a run of a Go test says about itself. */

export type Result = "PASS" | "FAIL" | "SKIP";

export interface Outcome {
  /** Exit status of the test program, or null where a signal ended it. */
  readonly status: number | null;
  /** By the name of the test and of each of its subtests; what never ended is missing. */
  readonly results: Record<string, Result>;
  /** What the test left behind, in words, or "". */
  readonly remains: string;
}

/** Reads the results out of what `-test.v` prints. */
export function readResults(text: string): Record<string, Result> {
  const matches = text.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+) \(/gm);
  return Object.fromEntries([...matches].map(([, result, name]) => [name, result]));
}
