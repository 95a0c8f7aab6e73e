import { closeSync, openSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";
import { debugScope } from "../proto/debug.ts";
import { guest } from "../proto/guest/methods.ts";
import { StreamMux, StreamViolation } from "../proto/stream/mux.ts";
import { TtrpcClient } from "../proto/ttrpc/client.ts";
import { guardBoot } from "./boot.ts";
import { Child, confinedArgv, describeExit, type Placement } from "./child.ts";
import { qemuArgs, SHARED_TAG, VOLUMES_TAG } from "./qemu-args.ts";
import { Qmp } from "./qmp.ts";
import { Standstill } from "./standstill.ts";
import { Tail } from "./tail.ts";
import { type SharedDirectory, startVirtiofsd, type Virtiofsd } from "./virtiofsd.ts";
import type { VmConfig } from "./vm-config.ts";

const debug = debugScope("microvm-vm");

/** Descriptors of QEMU, in the order of its stdio below; the last only with KVM. */
const FDS = { qmp: 3, control: 4, io: 5, kernel: 6, initrd: 7, kvm: 8, taps: 9 };

/**
 * Opens what QEMU's user may have no way to: the kernel may lie in a directory of root's, and /dev/kvm is root's often.
 * Throws with the path of what cannot be opened, with nothing left open.
 */
function openFiles(config: VmConfig): { fds: number[]; close(): void } {
  const fds: number[] = [];
  const close = () => {
    for (const fd of fds) closeSync(fd);
  };
  try {
    for (const path of [config.kernel, config.initrd]) fds.push(openSync(path, "r"));
    if (config.accelerator === "kvm") fds.push(openSync("/dev/kvm", "r+"));
  } catch (error) {
    close();
    throw error;
  }
  return { fds, close };
}

/** The directories that the guest sees, and how each may be cached there. */
function sharedDirectories({ sharedDir, volumesDir }: VmConfig): SharedDirectory[] {
  const shared = { tag: SHARED_TAG, directory: sharedDir, cache: "always" } as const;
  return volumesDir === undefined ? [shared] : [shared, { tag: VOLUMES_TAG, directory: volumesDir, cache: "never" }];
}

/** Side by side, for each takes its time. If one cannot be started, `undo` ends the others. */
async function startAll(
  config: VmConfig,
  log: (line: string) => void,
  placement: Placement,
  undo: AsyncDisposableStack,
) {
  const starts = sharedDirectories(config).map(async (share) => {
    const virtiofsd = await startVirtiofsd(config, share, log, placement);
    undo.defer(async () => void (await virtiofsd.child.kill()));
    return virtiofsd;
  });
  await Promise.allSettled(starts);
  return Promise.all(starts);
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
  /** Settles once, with the reason in words, when any of its parts has ended. `stop()` ends it too. */
  readonly ended: Promise<string>;
  /** Resolves when guest-init serves. Rejects with what went wrong and the console's tail; the VM is stopped then. */
  readonly ready: Promise<void>;
  #stopping = false;

  private constructor(qemu: Child, virtiofsds: readonly Virtiofsd[], config: VmConfig, log: (line: string) => void) {
    this.config = config;
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
      ...this.virtiofsds.map(async ({ exited }) => {
        const exit = await exited;
        return exit.code === 0 ? this.#qemuExit() : `virtiofsd ended with ${describeExit(exit)}`;
      }),
      // A connection that just ends is told better by the exit of whoever ended it.
      this.streams.closed.then((error) =>
        error instanceof StreamViolation
          ? `the guest broke the stream protocol: ${error.message}`
          : new Promise<string>(() => {}),
      ),
    ]);
    // A VM that has lost a part is of no use: what is left of it ends at once.
    void this.ended.then(() => this.stop());
    this.ready = guardBoot(this, config, () => [errors.text, guestConsole.text].filter((text) => text !== ""));
    this.ready.catch(() => {});
  }

  /** Starts a virtiofsd for each directory, then QEMU. Rejects, with nothing left, if either cannot be started. */
  static async launch(config: VmConfig, log: (line: string) => void, placement: Placement): Promise<Vm> {
    await using undo = new AsyncDisposableStack();
    const virtiofsds = await startAll(config, log, placement, undo);
    const argv = confinedArgv(config.qemu, qemuArgs(config, FDS, virtiofsds), {
      network: config.network,
      inNetwork: config.networkDevices > 0 ? [config.taps, `${config.networkDevices}`, `${FDS.taps}`] : undefined,
      // The socket of virtiofsd lies in a directory of the VM's user.
      uid: config.uid,
    });
    debug("QEMU: %j", argv);
    // "pipe" is a connected pair of unix sockets in Node: both directions, no path, and it ends with either side.
    const files = openFiles(config);
    const stdio = ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe", ...files.fds] as const;
    const qemu = await Child.spawn(argv, [...stdio]).finally(() => files.close());
    undo.defer(async () => void (await qemu.kill()));
    placement.add(qemu.pid);
    const vm = new Vm(qemu, virtiofsds, config, log);
    undo.move();
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

  /** Asks guest-init to write everything back and power off, for at most `timeoutMs`; then `stop()`. */
  async shutDown(timeoutMs: number): Promise<void> {
    if (!this.qemu.ended && !this.#stopping) {
      await this.standstill.awake(() => this.guest.call(guest.shutdown, {}, { timeoutMs })).catch(() => {});
    }
    await this.stop();
  }
}
