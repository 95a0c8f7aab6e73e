import { traced } from "../proto/trace.ts";
import type { Restored } from "./boot.ts";
import type { Child, Placement } from "./child.ts";
import type { Checksums, GuestMemory } from "./guest-memory.ts";
import { startQemu } from "./qemu.ts";
import { sharedDirectories } from "./shared-directories.ts";
import type { OpenTemplate } from "./template-store.ts";
import { startVirtiofsd, type Virtiofsd } from "./virtiofsd.ts";
import type { VmConfig } from "./vm-config.ts";

/** A template that a VM is about to be made from, and the memory that it will have. */
export interface OwnCopy {
  readonly template: OpenTemplate;
  readonly memory: GuestMemory;
}

/** Where a VM comes from and goes to, if not from a kernel and to nothing. */
export interface Origin {
  /** What it is restored from; closed when QEMU has it. */
  readonly copy?: OwnCopy | undefined;
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
  await using undo = new AsyncDisposableStack();
  const { copy } = origin;
  undo.defer(() => copy?.memory.abandon());
  using files = new DisposableStack();
  files.defer(() => copy?.template.close());
  const checksums = copy?.memory.load(placement);
  checksums?.catch(() => {});
  const [virtiofsds, memory] = await both(startAll(config, log, undo), copy?.memory.fd);
  const given = copy && memory !== undefined ? { memory, state: copy.template.state } : origin.saving;
  const beginning = copy ? "restore" : given ? "boot-to-save" : "boot";
  const qemu = await startQemu(config, virtiofsds, beginning, given);
  undo.defer(async () => void (await qemu.kill()));
  copy?.memory.close();
  undo.move();
  return { qemu, virtiofsds, restored: copy && checksums && checked(copy.template, checksums) };
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

/** A template has to be as it was saved. */
async function checked(template: OpenTemplate, checksums: Promise<Checksums>): Promise<void> {
  const { memory, state } = await checksums;
  if (memory !== template.checksums.memory) throw new Error("the template's memory is damaged");
  if (state !== template.checksums.state) throw new Error("the template's state is damaged");
}
