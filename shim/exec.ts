import { guest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { identity, type ProcessSpec } from "./bundle.ts";
import { checkProcess } from "./check-process.ts";
import type { Container } from "./container.ts";
import { jsonObject } from "./json-object.ts";
import type { Process } from "./process.ts";
import { clientError } from "./runtime-error.ts";
import { Stdio } from "./stdio.ts";

/**
 * Opens an exec's streams and runs it in the guest. `announce` runs when it runs. Rejects with nothing left open; the
 * exec stays created then, as with other runtimes, until a client deletes it.
 */
export async function startExec(container: Container, process: Process, announce: () => void): Promise<void> {
  if (!container.init.isRunning) {
    throw new RpcError(Code.FailedPrecondition, "cannot exec in a container that is not running");
  }
  if (container.paused) throw new RpcError(Code.FailedPrecondition, "cannot exec in a paused container");
  const { sandbox, id: containerId } = container;
  const { execId } = process;
  await process.start(async () => {
    await using undo = new AsyncDisposableStack();
    const { streams } = await sandbox.ready();
    const stdio = await Stdio.open(process.stdioPaths, sandbox.stdioContext(execId), streams, () =>
      sandbox.nextStream(),
    );
    undo.defer(() => stdio.close());
    process.own(stdio);
    const spec = guestProcess(process);
    const standIn = await sandbox.standIn(containerId, {
      ...identity(spec),
      onSignal: (signal) => container.signalled(process, signal),
    });
    undo.defer(() => standIn.end());
    process.standIn = standIn;
    const request = { containerId, execId, process: Buffer.from(JSON.stringify(spec)), stdio: stdio.streams };
    const { pid } = await sandbox.call(guest.exec, request).catch((error) => {
      throw clientError("exec", error);
    });
    process.guestPid = pid;
    stdio.start();
    if (process.size !== undefined) await sandbox.call(guest.resize, { containerId, execId, ...process.size });
    undo.move();
  }, announce);
}

/** The `process` object for the guest. Throws InvalidArgument if the client gave none that can be run. */
function guestProcess({ spec, stdioPaths }: Process): ProcessSpec {
  const process = jsonObject(spec, "the process to exec") as ProcessSpec;
  checkProcess(process);
  // The guest has no AppArmor and no SELinux; and what the request says of the terminal is what the streams are like.
  const { apparmorProfile: _apparmor, selinuxLabel: _selinux, ...rest } = process;
  return { ...rest, terminal: stdioPaths.terminal };
}
