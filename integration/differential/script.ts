/** Many scripts in one shell: marks on both streams tell whose output and exit status is whose. */
import type { Outcome } from "./case.ts";

/** ASCII's record separator, which no script prints. */
const MARK = "\x1e";

/** A program for `sh -c`. Each script runs in a subshell: its directory, variables and options are its own. */
export function joinScripts(scripts: readonly string[]): string {
  const mark = (text: string) => `printf '\\036%s\\n' ${text}`;
  const parts = scripts.map((script, n) => `${mark(`${n}`)}; ${mark(`${n}`)} >&2\n(\n${script}\n)\n${mark('"$?"')}`);
  return `${parts.join("\n")}\n`;
}

/** The outcome of each script. Throws an Error with what was printed if not every one ran to its end. */
export function splitOutcome(whole: Outcome, count: number): Outcome[] {
  const stdout = whole.stdout.split(MARK);
  const stderr = whole.stderr.split(MARK);
  // Before the first mark there is nothing on stdout; each script gives two pieces there and one on stderr.
  if (stdout.length !== 2 * count + 1 || stderr.length !== count + 1) {
    throw new Error(`not every script ran to its end: ${JSON.stringify(whole).slice(-2000)}`);
  }
  return Array.from({ length: count }, (_, n) => ({
    code: Number(stdout[2 * n + 2]),
    stdout: afterLine(stdout[2 * n + 1]),
    stderr: afterLine(stderr[n + 1]),
  }));
}

function afterLine(text = ""): string {
  return text.slice(text.indexOf("\n") + 1);
}
