import { readdirSync, rmdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { monotonicMs } from "../proto/monotonic.ts";

const REMOVE_LIMIT_MS = 2_000;
/** The first time and the longest between two attempts. */
const REMOVE_STEP_MS = { first: 1, longest: 50 };

/**
 * Removes what is empty, and waits a bounded time for what is not yet: a process that was killed leaves a moment later,
 * and version 1 has no event for it. Cgroups above stay, as with runc: another container may be about to use them.
 */
export async function removeCgroups(directories: readonly string[]): Promise<boolean> {
  const limit = monotonicMs() + REMOVE_LIMIT_MS;
  let left = directories.filter((directory) => !removeIfEmpty(directory));
  for (let step = REMOVE_STEP_MS.first; left.length > 0 && monotonicMs() < limit; step *= 2) {
    await delay(Math.min(step, REMOVE_STEP_MS.longest));
    left = left.filter((directory) => !removeIfEmpty(directory));
  }
  return left.length === 0;
}

/** Whether there is nothing left to do. */
export function removeIfEmpty(directory: string): boolean {
  try {
    rmdirSync(directory);
    return true;
  } catch (error) {
    // Cgroups below it are somebody else's; a process that dies stays a moment longer than the list of them tells.
    return (error as NodeJS.ErrnoException).code !== "EBUSY" || hasChildren(directory);
  }
}

function hasChildren(directory: string): boolean {
  return readdirSync(directory, { withFileTypes: true }).some((entry) => entry.isDirectory());
}
