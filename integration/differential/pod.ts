/** Containers that share a VM under the runtime under test, and a shim under runc. */
import { afterAll, beforeAll, expect } from "vitest";
import type { Command } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import type { Lab } from "../harness/lab.ts";
import { runc, runtime } from "../harness/paths.ts";

// Starts no further process, which would be one that remains after a test.
const KEEP = "echo ready; exec cat";

/** To be called in a `describe`. The name of the pod of a runtime; its first container runs until the last test. */
export function usePods(lab: Lab): (runtimeName: string) => string {
  const pods = new Map<string, { id: string; keeper: Command }>();
  beforeAll(async () => {
    for (const name of new Set([runc, runtime])) {
      const id = `pod-${lab.freshId()}`;
      const flags = ["--annotation", `io.containerd.runc.v2.group=${id}`];
      const args = ["run", "--rm", "--runtime", name, ...flags, IMAGE, id, "sh", "-c", KEEP];
      const keeper = lab.containerd.hold(args, { keepStdin: true, limit: 600_000 });
      await keeper.printed("ready");
      pods.set(name, { id, keeper });
    }
  });
  afterAll(async () => {
    for (const { keeper } of pods.values()) {
      keeper.stdin.end();
      expect((await keeper.done).code).toBe(0);
    }
  });
  return (name) => {
    const pod = pods.get(name);
    if (pod === undefined) throw new Error(`no pod under ${name}`);
    return pod.id;
  };
}
