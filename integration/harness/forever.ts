/** A container that runs until it is ended. */
import { expect } from "vitest";
import { IMAGE } from "./image.ts";
import type { Lab } from "./lab.ts";
import { microvm } from "./paths.ts";

/** Its program, which says "ready" first. */
export const FOREVER = ["sh", "-c", "echo ready; while :; do sleep 0.1; done"];

export async function startForever(lab: Lab, flags: readonly string[] = []) {
  const id = lab.freshId();
  const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, ...flags, IMAGE, id, ...FOREVER]);
  await client.printed("ready");
  return { id, client };
}

export async function end(lab: Lab, { id, client }: Awaited<ReturnType<typeof startForever>>) {
  await lab.containerd.mustCtr(["task", "kill", "-s", "SIGKILL", id]);
  expect((await client.done).code).toBe(137);
}
