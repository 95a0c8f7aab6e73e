import { guest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Container } from "./container.ts";

/**
 * Freezes a container's processes in the guest; when no other container of the VM runs, the VM itself stands still too
 * and takes no processor time. Throws FailedPrecondition if the container does not run.
 */
export async function pause(container: Container): Promise<void> {
  expectRunning(container, "pause");
  if (container.paused) throw new RpcError(Code.FailedPrecondition, "cannot pause: container is paused");
  await container.sandbox.call(guest.freeze, { containerId: container.id, frozen: true });
  container.paused = true;
  await container.sandbox.rest();
}

/** Lets it go on. The clock is right before its first instruction. */
export async function resume(container: Container): Promise<void> {
  expectRunning(container, "resume");
  if (!container.paused) throw new RpcError(Code.FailedPrecondition, "cannot resume: container is not paused");
  container.paused = false;
  await container.sandbox.rest();
  await container.sandbox.call(guest.freeze, { containerId: container.id, frozen: false });
}

function expectRunning({ init }: Container, action: string): void {
  if (!init.isRunning) {
    const state = init.isEnding ? "stopped" : init.state.name;
    throw new RpcError(Code.FailedPrecondition, `cannot ${action}: container is ${state}`);
  }
}
