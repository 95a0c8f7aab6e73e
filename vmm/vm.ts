import { closeSync, openSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { debugScope } from "../proto/debug.ts";
import { guest } from "../proto/guest/methods.ts";
import { StreamMux, StreamViolation } from "../proto/stream/mux.ts";
import { traced, tracing } from "../proto/trace.ts";
import { TtrpcClient } from "../proto/ttrpc/client.ts";
import { guardBoot, type Restored } from "./boot.ts";
import { Child, confinedArgv, describeExit, type Placement } from "./child.ts";
import { type LoadedMemory, loadMemory } from "./guest-memory.ts";
import { stateArgs } from "./migration.ts";
import { markProcessorTime } from "./processor-time.ts";
import { type Beginning, qemuArgs } from "./qemu-args.ts";
import { Qmp } from "./qmp.ts";
import { sharedDirectories } from "./shared-directories.ts";
import { Standstill } from "./standstill.ts";
import { Tail } from "./tail.ts";
import type { OpenTemplate } from "./template-store.ts";
import { startVirtiofsd, type Virtiofsd } from "./virtiofsd.ts";
import type { VmConfig } from "./vm-config.ts";

const debug = debugScope("microvm-vm");

/** Descriptors of QEMU, in the order of its stdio below. */
const FDS = { qmp: 3, control: 4, io: 5, kernel: 6, initrd: 7, kvm: 8, memory: 9, state: 10, taps: 11 };

/** Where a VM comes from and goes to, if not from a kernel and to nothing. */
export interface Origin {
  /** It is restored from this template, which `launch` closes. */
  readonly template?: OpenTemplate | undefined;
  /** It is going to be saved: its memory, and a file for its state, open for writing alone. */
  readonly saving?: { readonly memory: number; readonly state: number } | undefined;
}

type Source = number | "ignore";

/**
 * Opens what QEMU's user may have no way to: the kernel may lie in a directory of root's, and /dev/kvm is root's often.
 * Throws with the path of what cannot be opened, with nothing left open.
 */
function openFiles(config: VmConfig, boots: boolean): { fds: Source[]; close(): void } {
  const fds: Source[] = [];
  const close = () => {
    for (const fd of fds) if (fd !== "ignore") closeSync(fd);
  };
  try {
    for (const path of [config.kernel, config.initrd]) fds.push(boots ? openSync(path, "r") : "ignore");
    fds.push(config.accelerator === "kvm" ? openSync("/dev/kvm", "r+") : "ignore");
  } catch (error) {
    close();
    throw error;
  }
  return { fds, close };
}

/** Side by side, for each takes its time. If one cannot be started, `undo` ends the others. */
async function startAll(
  config: VmConfig,
  log: (line: string) => void,
  placement: Placement,
  undo: AsyncDisposableStack,
) {
  const starts = sharedDirectories(config).map(async (share) => {
    const virtiofsd = await traced(`virtiofsd ${share.tag}`, () => startVirtiofsd(config, share, log, placement));
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

async function startQemu(
  config: VmConfig,
  placement: Placement,
  virtiofsds: readonly Virtiofsd[],
  beginning: Beginning,
  given: { memory: number; state: number } | undefined,
): Promise<Child> {
  const machine = qemuArgs(config, FDS, virtiofsds, beginning);
  const argv = confinedArgv(config.qemu, [...machine, ...(given ? stateArgs(FDS.state) : [])], {
    network: config.network,
    inNetwork: config.networkDevices > 0 ? [config.taps, `${config.networkDevices}`, `${FDS.taps}`] : undefined,
    // The socket of virtiofsd lies in a directory of the VM's user.
    uid: config.uid,
  });
  debug("QEMU: %j", argv);
  const files = openFiles(config, beginning !== "restore");
  // "pipe" is a connected pair of unix sockets in Node: both directions, no path, and it ends with either side.
  const sockets = ["pipe", "pipe", "pipe"] as const;
  const fds: Source[] = [...files.fds, given?.memory ?? "ignore", given?.state ?? "ignore"];
  const qemu = await Child.spawn(argv, ["ignore", "pipe", "pipe", ...sockets, ...fds]).finally(() => files.close());
  placement.add(qemu.pid);
  return qemu;
}

/** What a template's memory has been copied to has to be as it was saved. */
async function checked(template: OpenTemplate, memory: LoadedMemory): Promise<void> {
  if ((await memory.checksum) !== template.checksum) throw new Error("the template's memory is damaged");
}

/** A VM of which the processes run; `ready` tells when the guest answers. */
export class Vm {
  readonly config: VmConfig;
  readonly qemu: Child;
  /** One for each directory that the guest sees. */
  readonly virtiofsds: readonly Child[];
  readonly qmp: Qmp;
  readonly guest: TtrpcClient;
  readonly streams: StreamMux;
  readonly standstill: Standstill;
  /** It began as a template's; its network devices have no interface then. */
  readonly restored: boolean;
  /** Settles once, with the reason in words, when any of its parts has ended. `stop()` ends it too. */
  readonly ended: Promise<string>;
  /** Resolves when guest-init serves. Rejects with what went wrong and the console's tail; the VM is stopped then. */
  readonly ready: Promise<void>;
  #stopping = false;

  private constructor(
    qemu: Child,
    virtiofsds: readonly Virtiofsd[],
    config: VmConfig,
    log: (line: string) => void,
    restored: Restored | undefined,
  ) {
    this.config = config;
    this.restored = restored !== undefined;
    this.qemu = qemu;
    this.virtiofsds = virtiofsds.map(({ child }) => child);
    const [, stdout, stderr, qmp, control, io] = qemu.stdio as unknown as [
      null,
      Readable,
      Readable,
      Duplex,
      Duplex,
      Duplex,
    ];
    const guestConsole = new Tail(stdout, (line) => log(`console: ${line}`));
    const errors = new Tail(stderr, (line) => log(`qemu: ${line}`));
    this.qmp = new Qmp(qmp);
    this.guest = new TtrpcClient(control);
    this.streams = new StreamMux(io);
    this.standstill = new Standstill(this.qmp, this.guest);
    this.ended = Promise.race([
      this.#qemuExit(),
      // virtiofsd ends well when QEMU has gone, and then QEMU's exit is the reason.
      ...virtiofsds.map(async ({ ended }) => (await ended) ?? this.#qemuExit()),
      // A connection that just ends is told better by the exit of whoever ended it.
      this.streams.closed.then((error) =>
        error instanceof StreamViolation
          ? `the guest broke the stream protocol: ${error.message}`
          : new Promise<string>(() => {}),
      ),
    ]);
    // A VM that has lost a part is of no use: what is left of it ends at once.
    void this.ended.then(() => this.stop());
    this.ready = guardBoot(this, config, restored, () =>
      [errors.text, guestConsole.text].filter((text) => text !== ""),
    );
    this.ready.catch(() => {});
  }

  /** Starts a virtiofsd for each directory, then QEMU. Rejects, with nothing left, if either cannot be started. */
  static async launch(
    config: VmConfig,
    log: (line: string) => void,
    placement: Placement,
    origin: Origin = {},
  ): Promise<Vm> {
    await using undo = new AsyncDisposableStack();
    const { template } = origin;
    undo.defer(() => template?.close());
    const [virtiofsds, memory] = await both(
      startAll(config, log, placement, undo),
      template && traced("memory", () => loadMemory(config.memory, config.memoryMib, template.memory, placement)),
    );
    if (memory) undo.defer(() => closeSync(memory.fd));
    const files = template && memory ? { memory: memory.fd, state: template.state } : origin.saving;
    const beginning = template ? "restore" : files ? "boot-to-save" : "boot";
    const qemu = await startQemu(config, placement, virtiofsds, beginning, files);
    undo.defer(async () => void (await qemu.kill()));
    const vm = new Vm(qemu, virtiofsds, config, log, template && memory && checked(template, memory));
    // It has them by then.
    const placeChildren = () => {
      for (const { pid } of vm.virtiofsds) placement.addChildren(pid);
    };
    void vm.ready.then(placeChildren).catch(() => {});
    undo.move();
    if (memory) closeSync(memory.fd);
    template?.close();
    return vm;
  }

  async #qemuExit(): Promise<string> {
    return `QEMU ended with ${describeExit(await this.qemu.exited)}`;
  }

  get pid(): number {
    return this.qemu.pid;
  }

  get stopping(): boolean {
    return this.#stopping;
  }

  /** Ends QEMU and virtiofsd at once and waits for it. Legal in any state, twice too. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.qmp.close();
    this.guest.close();
    await this.qemu.kill();
    await Promise.all(this.virtiofsds.map((child) => child.kill()));
    this.streams.close();
  }

  /** Asks guest-init to write everything back and power off; waits for the answer at most `timeoutMs`. Never rejects. */
  async powerOff(timeoutMs: number): Promise<void> {
    if (this.qemu.ended || this.#stopping) return;
    if (tracing()) await markProcessorTime(this.qmp, this.pid).catch(() => {});
    await this.standstill.awake(() => this.guest.call(guest.shutdown, {}, { timeoutMs })).catch(() => {});
  }
}
