import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodeDeleteResponse } from "../proto/containerd/messages.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import { unlinkQuietly } from "./unlink.ts";

/** How the container ended, kept in the bundle so that the `delete` action can repeat it when the daemon is gone. */
export interface ExitRecord {
  readonly pid: number;
  readonly status: number;
  readonly at: Date;
}

const NAME = "exit.json";
/** The answer to `delete` of a container that has left nothing; launcher/main.c prints it. */
const DELETED = "deleted";

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

/** What `delete` prints. */
export function deleteResponse({ pid, status, at }: ExitRecord): Uint8Array {
  return encodeDeleteResponse({ pid, exitStatus: status, exitedAt: timestamp(at) });
}

/** Nothing is left of the container nor of its VM: whoever is asked to delete it need not look. */
export function recordDeleted(bundle: string, record: ExitRecord): void {
  try {
    writeFileSync(join(bundle, DELETED), deleteResponse(record), { mode: 0o600 });
  } catch {
    // The bundle is gone already: nobody will ask.
  }
}

/** There is going to be something. */
export function forgetDeleted(bundle: string): void {
  unlinkQuietly(join(bundle, DELETED));
}
