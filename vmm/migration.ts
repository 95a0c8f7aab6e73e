/** A VM's state without its memory, out of QEMU and into another one. */
import type { Qmp } from "./qmp.ts";

/** The guest's memory is a file of its own, which goes another way. */
const CAPABILITIES = ["x-ignore-shared", "events"].map((capability) => ({ capability, state: true }));

/** The set of descriptors that holds the file for the state. */
const STATE_SET = 2;

/** The arguments by which QEMU has a file for its state: `fd`, open for writing alone, or for reading alone. */
export function stateArgs(fd: number): string[] {
  return ["-add-fd", `fd=${fd},set=${STATE_SET},opaque=state`];
}

const URI = `file:/dev/fdset/${STATE_SET}`;

/** Writes the state of a VM into the file that `stateArgs` names. The VM stands still afterwards, for good. */
export async function saveState(qmp: Qmp): Promise<void> {
  await qmp.execute("migrate-set-capabilities", { capabilities: CAPABILITIES });
  const done = qmp.next("MIGRATION", ({ status }) => status === "completed" || status === "failed");
  await Promise.all([qmp.execute("migrate", { uri: URI }), done]);
  if ((await done).status !== "completed") throw new Error("QEMU cannot save the state of the VM");
}

/**
 * Gives a QEMU that waits for it the state in that file; the guest goes on by itself then. A state that does not fit ends
 * QEMU.
 */
export async function restoreState(qmp: Qmp): Promise<void> {
  await qmp.execute("migrate-set-capabilities", { capabilities: CAPABILITIES });
  // The network has not known the VM under the addresses that it has now, so there is nothing to announce. The devices
  // must not want to either: without rounds QEMU forgets their timers, and ends when they are reset.
  await qmp.execute("migrate-set-parameters", { "announce-rounds": 0 });
  await qmp.execute("migrate-incoming", { uri: URI });
}
