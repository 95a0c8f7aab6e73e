import { closeSync } from "node:fs";
import { guest } from "../proto/guest/methods.ts";
import type { Placement } from "./child.ts";
import { loadMemory, saveMemory } from "./guest-memory.ts";
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
  const memory = await loadMemory(config.memory, config.memoryMib, undefined, NOWHERE);
  undo.defer(() => closeSync(memory.fd));
  const vm = await Vm.launch(config, () => {}, NOWHERE, { saving: { memory: memory.fd, state: files.state } });
  undo.defer(() => vm.stop());
  await vm.ready;
  await warmUp(vm);
  await vm.guest.call(guest.template, {});
  await saveState(vm.qmp);
  const checksum = await saveMemory(config.memory, memory.fd, files.memory);
  files.keep({ memoryMib: config.memoryMib, checksum });
}
