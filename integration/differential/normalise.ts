/** Forms in which outcomes that differ where they may are still the same. */
import type { Outcome } from "./case.ts";

/** Standard output does not count. */
export function noStdout(outcome: Outcome): Outcome {
  return { ...outcome, stdout: "" };
}

/** Replaces in standard output and standard error. */
export function replacing(pattern: RegExp, text: string): (outcome: Outcome) => Outcome {
  return ({ code, stdout, stderr }) => ({
    code,
    stdout: stdout.replaceAll(pattern, text),
    stderr: stderr.replaceAll(pattern, text),
  });
}

/** Leaves out the lines of standard output that match. */
export function without(pattern: RegExp): (outcome: Outcome) => Outcome {
  const keep = (line: string) => !pattern.test(line);
  return (outcome) => ({ ...outcome, stdout: outcome.stdout.split("\n").filter(keep).join("\n") });
}

/** One line of error that names the thing: the words are each runtime's own. */
export function oneErrorLine(pattern: RegExp): (outcome: Outcome) => Outcome {
  return (outcome) => {
    const lines = outcome.stderr.trim().split("\n");
    const stderr = lines.length === 1 && pattern.test(outcome.stderr) ? "one line as it should be" : outcome.stderr;
    return { ...outcome, stderr };
  };
}
