import { taskMethods } from "../proto/containerd/task.ts";
import type { TtrpcClient } from "../proto/ttrpc/client.ts";
import { checkId, groupOf, readSpec } from "./bundle.ts";
import { removeCgroups } from "./cgroup-remove.ts";
import { decouple } from "./coupling.ts";
import { dial } from "./dial.ts";
import { deleteResponse, readExit } from "./exit-record.ts";
import type { Invocation } from "./flags.ts";
import { payPoststop } from "./hooks.ts";
import { socketPath } from "./socket-path.ts";
import { isAlive, type ProcessId, StateDir } from "./state-dir.ts";
import { unlinkQuietly } from "./unlink.ts";

const CALL_LIMIT_MS = 1_500;
const SIGKILL = 9;

/**
 * The `delete` action: removes what is left of one container, whatever is left of its shim. After a normal end the
 * launcher has the answer. Other containers of the same VM are not touched.
 */
export async function deleteAction(flags: Invocation): Promise<void> {
  const id = checkId(flags.id);
  const bundle = flags.bundle || process.cwd();
  const group = groupOfBundle(bundle, id);
  const path = socketPath(flags.address, checkId(flags.namespace), group);
  const stateDir = new StateDir(flags.namespace, group);
  const state = stateDir.read();
  const exit = readExit(bundle);
  if (await shimRemoves(path, id)) {
    // The daemon serves others, or ends by itself now that nothing is left.
  } else {
    for (const leftover of state === undefined ? [] : [state.shim, ...state.processes]) killIfAlive(leftover);
    await removeCgroups(state?.cgroups ?? []);
    if (state?.network !== undefined) await decouple(state.network.namespace, state.network.interfaces);
    stateDir.remove();
    await runOwedHooks(bundle, id);
    unlinkQuietly(path);
  }
  const response = deleteResponse(exit ?? { pid: 0, status: 128 + SIGKILL, at: new Date() });
  await new Promise((resolve) => process.stdout.write(response, resolve));
}

/** What a hook says goes to containerd's log, as a warning. */
async function runOwedHooks(bundle: string, id: string): Promise<void> {
  try {
    await payPoststop(readSpec(bundle), id, bundle, (line) => process.stderr.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`poststop hooks: ${(error as Error).message}\n`);
  }
}

function groupOfBundle(bundle: string, id: string): string {
  try {
    return groupOf(readSpec(bundle), id);
  } catch {
    // A bundle in ruins: the container had no group, or its VM is found by containerd's delete of the group's own id.
    return id;
  }
}

/** Asks a daemon that still answers to end and forget the container. False if there is none, or it does not answer. */
async function shimRemoves(path: string, id: string): Promise<boolean> {
  let client: TtrpcClient | undefined;
  try {
    client = await dial(path);
    const task = taskMethods(2);
    const options = { timeoutMs: CALL_LIMIT_MS };
    // Not found, or finished already: just what is wanted.
    await client.call(task.kill, { id, signal: SIGKILL, all: true }, options).catch(() => {});
    await client.call(task.wait, { id }, options).catch(() => {});
    await client.call(task.delete, { id }, options).catch(() => {});
    const { taskPid } = await client.call(task.connect, { id }, options);
    if (taskPid !== 0) return false;
    await client.call(task.shutdown, { id }, options);
    return true;
  } catch {
    return false;
  } finally {
    client?.close();
  }
}

function killIfAlive(id: ProcessId): void {
  if (!isAlive(id)) return;
  try {
    process.kill(id.pid, "SIGKILL");
  } catch {
    // It ended just now.
  }
}
