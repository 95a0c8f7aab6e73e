import { closeSync } from "node:fs";
import { traced } from "../proto/trace.ts";
import type { Restored } from "./boot.ts";
import type { Child, Placement } from "./child.ts";
import { type LoadedMemory, loadMemory } from "./guest-memory.ts";
import { startQemu } from "./qemu.ts";
import { sharedDirectories } from "./shared-directories.ts";
import type { OpenTemplate } from "./template-store.ts";
import { startVirtiofsd, type Virtiofsd } from "./virtiofsd.ts";
import type { VmConfig } from "./vm-config.ts";

/** Where a VM comes from and goes to, if not from a kernel and to nothing. */
export interface Origin {
  /** It is restored from this template, which is closed when QEMU has it. */
  readonly template?: OpenTemplate | undefined;
  /** It is going to be saved: its memory, and a file for its state, open for writing alone. */
  readonly saving?: { readonly memory: number; readonly state: number } | undefined;
}

export interface Processes {
  readonly qemu: Child;
  readonly virtiofsds: readonly Virtiofsd[];
  /** Of a VM that is restored. */
  readonly restored: Restored | undefined;
}

/** Starts a virtiofsd for each directory, then QEMU. Rejects, with nothing left, if one cannot be started. */
export async function startProcesses(
  config: VmConfig,
  log: (line: string) => void,
  placement: Placement,
  origin: Origin,
): Promise<Processes> {
  using files = new DisposableStack();
  await using undo = new AsyncDisposableStack();
  const { template } = origin;
  files.defer(() => template?.close());
  const [virtiofsds, memory] = await both(
    startAll(config, log, undo),
    template && traced("memory", () => loadInto(config, template, placement, files)),
  );
  const given = template && memory ? { memory: memory.fd, state: template.state } : origin.saving;
  const beginning = template ? "restore" : given ? "boot-to-save" : "boot";
  const qemu = await startQemu(config, virtiofsds, beginning, given);
  undo.defer(async () => void (await qemu.kill()));
  template?.verifyState();
  undo.move();
  return { qemu, virtiofsds, restored: template && memory && checked(template, memory) };
}

async function loadInto(config: VmConfig, template: OpenTemplate, placement: Placement, files: DisposableStack) {
  const memory = await loadMemory(config.memory, config.memoryMib, template.memory, placement);
  files.defer(() => closeSync(memory.fd));
  return memory;
}

/** Side by side, for each takes its time. If one cannot be started, `undo` ends the others. */
async function startAll(config: VmConfig, log: (line: string) => void, undo: AsyncDisposableStack) {
  const starts = sharedDirectories(config).map(async (share) => {
    const virtiofsd = await traced(`virtiofsd ${share.tag}`, () => startVirtiofsd(config, share, log));
    undo.defer(async () => void (await virtiofsd.child.kill()));
    return virtiofsd;
  });
  await Promise.allSettled(starts);
  return Promise.all(starts);
}

/** Waits for both, so that nothing is still on its way when one has failed. */
async function both<One, Other>(
  one: Promise<One>,
  other: Promise<Other> | undefined,
): Promise<[One, Other | undefined]> {
  await Promise.allSettled([one, other]);
  return [await one, await other];
}

/** What a template's memory has been copied to has to be as it was saved. */
async function checked(template: OpenTemplate, memory: LoadedMemory): Promise<void> {
  if ((await memory.checksum) !== template.checksum) throw new Error("the template's memory is damaged");
}
