import { guest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Resources } from "./bundle.ts";
import type { Container } from "./container.ts";
import { guestResources } from "./guest-spec.ts";
import { jsonObject } from "./json-object.ts";

const MIB = 1024 * 1024;

/**
 * Changes the limits of a running container: `resources` is LinuxResources of the OCI runtime specification as JSON.
 * Throws InvalidArgument for what cannot be read and for more memory than the VM has: it cannot grow.
 */
export async function update(container: Container, resources: Uint8Array): Promise<void> {
  const wanted = jsonObject(resources, "resources") as Resources;
  const { memoryMib } = (await container.sandbox.launched()).config;
  const limit = wanted.memory?.limit ?? 0;
  if (limit > memoryMib * MIB) {
    throw new RpcError(
      Code.InvalidArgument,
      `a memory limit of ${limit} bytes is more than the VM has: ${memoryMib} MiB, which its container's first limit decides`,
    );
  }
  const request = { containerId: container.id, resources: Buffer.from(JSON.stringify(guestResources(wanted))) };
  await container.sandbox.call(guest.update, request);
  container.sandbox.updateCgroup(container.id, wanted);
}
