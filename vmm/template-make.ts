import { guest } from "../proto/guest/methods.ts";
import type { Placement } from "./child.ts";
import { GuestMemory, saveMemory } from "./guest-memory.ts";
import { saveState } from "./migration.ts";
import type { TemplateStore } from "./template-store.ts";
import { Vm } from "./vm.ts";
import type { VmConfig } from "./vm-config.ts";
import { warmUp } from "./warm-up.ts";

/** It has no limits of a container's, and is nobody's. */
const NOWHERE: Placement = { async add() {}, async addChildren() {} };

/**
 * Boots a VM and keeps it, warmed up, as the template of its kind, by its `templateKey`. Rejects with the reason, and
 * nothing left of it.
 */
export async function makeTemplate(key: string, config: VmConfig, store: TemplateStore): Promise<void> {
  await using undo = new AsyncDisposableStack();
  const files = store.create(key);
  undo.defer(() => files.close());
  const own = new GuestMemory(config.memory, config.memoryMib);
  undo.defer(() => own.close());
  const memory = await own.fd;
  await own.load(NOWHERE);
  const vm = await Vm.launch(config, () => {}, NOWHERE, { saving: { memory, state: files.state } });
  undo.defer(() => vm.stop());
  await vm.ready;
  await warmUp(vm);
  await vm.guest.call(guest.template, {});
  await saveState(vm.qmp);
  const checksums = await saveMemory(config.memory, { memory, state: files.savedState }, files.memory);
  files.keep({ memoryMib: config.memoryMib, checksums });
}
