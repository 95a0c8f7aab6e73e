import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** How the container ended, kept in the bundle so that the `delete` action can repeat it when the daemon is gone. */
export interface ExitRecord {
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
}

const NAME = "exit.json";

export function recordExit(bundle: string, record: ExitRecord): void {
  try {
    writeFileSync(join(bundle, NAME), JSON.stringify(record), { mode: 0o600 });
  } catch {
    // The bundle is gone already: nobody will ask.
  }
}

export function readExit(bundle: string): ExitRecord | undefined {
  try {
    const { pid, status, at } = JSON.parse(readFileSync(join(bundle, NAME), "utf8"));
    return { pid: Number(pid), status: Number(status), at: new Date(at) };
  } catch {
    return undefined;
  }
}
