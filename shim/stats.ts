import { existsSync } from "node:fs";
import type { Any } from "../proto/containerd/any.ts";
import { metricsV1, metricsV2 } from "../proto/containerd/metrics.ts";
import { guest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Container } from "./container.ts";

/** A client gives up after two seconds; the guest answers in milliseconds. */
const LIMIT_MS = 1_500;

/**
 * What a container has used, as its cgroup in the guest counts it, in the form of the host's cgroups: clients take no
 * other. Throws FailedPrecondition if it does not run.
 */
export async function stats(container: Container): Promise<Any> {
  if (container.init.isEnding) throw new RpcError(Code.FailedPrecondition, "cannot tell stats: container is stopped");
  const used = await container.sandbox.call(guest.stats, { containerId: container.id }, { timeoutMs: LIMIT_MS });
  container.sandbox.log.write("debug", "stats", {
    id: container.id,
    container_bytes: used.memoryUsage,
    vm_bytes: used.guestMemoryUsage,
  });
  return existsSync("/sys/fs/cgroup/cgroup.controllers") ? metricsV2(used) : metricsV1(used);
}
