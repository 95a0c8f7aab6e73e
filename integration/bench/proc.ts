/** The machine's processes, as /proc tells of them. */
import { readdirSync, readFileSync } from "node:fs";

export function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** Of a file; empty if there is none (any more). */
export function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
