import { unlinkSync } from "node:fs";

/** Removes a file; one that is gone already is as good. */
export function unlinkQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Gone already.
  }
}
