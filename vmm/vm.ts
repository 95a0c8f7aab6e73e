import type { Duplex, Readable } from "node:stream";
import { guest } from "../proto/guest/methods.ts";
import { StreamMux, StreamViolation } from "../proto/stream/mux.ts";
import { tracing } from "../proto/trace.ts";
import { TtrpcClient } from "../proto/ttrpc/client.ts";
import { guardBoot } from "./boot.ts";
import { type Child, describeExit, type Placement } from "./child.ts";
import { type Origin, type Processes, startProcesses } from "./processes.ts";
import { markProcessorTime } from "./processor-time.ts";
import { Qmp } from "./qmp.ts";
import { Standstill } from "./standstill.ts";
import { Tail } from "./tail.ts";
import type { VmConfig } from "./vm-config.ts";

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

  private constructor({ qemu, virtiofsds, restored }: Processes, config: VmConfig, log: (line: string) => void) {
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

  /** Starts its processes. Rejects, with nothing left, if one of them cannot be started. */
  static async launch(
    config: VmConfig,
    log: (line: string) => void,
    placement: Placement,
    origin: Origin = {},
  ): Promise<Vm> {
    const processes = await startProcesses(config, log, placement, origin);
    // Before anything else is waited for: what its sockets tell must not be missed.
    const vm = new Vm(processes, config, log);
    await Promise.all([vm.qemu, ...vm.virtiofsds].map(({ pid }) => placement.add(pid))).catch(
      async (error: unknown) => {
        await vm.stop();
        throw error;
      },
    );
    // They have them by then.
    const placeChildren = () => Promise.all(vm.virtiofsds.map(({ pid }) => placement.addChildren(pid)));
    void vm.ready.then(placeChildren).catch(() => {});
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
    if (tracing()) markProcessorTime(this.pid);
    await this.standstill.awake(() => this.guest.call(guest.shutdown, {}, { timeoutMs })).catch(() => {});
  }
}
