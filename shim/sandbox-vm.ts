import type { GuestEvent } from "../proto/guest/methods.ts";
import { guest } from "../proto/guest/methods.ts";
import { monotonicMs } from "../proto/monotonic.ts";
import type { Origin } from "../vmm/processes.ts";
import { setGuestClock } from "../vmm/standstill.ts";
import { Vm } from "../vmm/vm.ts";
import type { NetworkNamespace, VmConfig } from "../vmm/vm-config.ts";
import type { Spec } from "./bundle.ts";
import type { VmCgroup } from "./cgroup.ts";
import { followClock } from "./clock.ts";
import { type Launch, launchVm } from "./launch.ts";
import type { Log } from "./log.ts";
import { vmCgroup, vmConfig } from "./sandbox-config.ts";
import type { Settings } from "./settings.ts";
import { type SandboxState, type StateDir, thisProcess } from "./state-dir.ts";
import { Template } from "./template.ts";

/** How long guest-init may take to write back and power off. */
const POWER_OFF_LIMIT_MS = 3_000;

export interface SandboxVmParts {
  readonly stateDir: StateDir;
  readonly spec: Spec;
  readonly settings: () => Settings;
  readonly log: Log;
  /** Told what the guest says. */
  readonly onEvent: (event: GuestEvent) => void;
  /** Told when a VM has ended, also by `end`. */
  readonly onEnd: (vm: Vm, reason: string) => void;
}

/** The VM of a sandbox from its launch to its end: its processes, their cgroup, and the file that tells of both. */
export class SandboxVm {
  /** The VM, its processes running; the guest may not be ready yet. */
  readonly launched: Promise<Vm>;
  /** The same one, or the one that took its place, its guest ready. Rejects with why it is not. */
  readonly ready: Promise<Vm>;
  readonly #parts: SandboxVmParts;
  /** Whose processes run, the guest ready or not. */
  #current: Vm | undefined;
  #cgroup: VmCgroup | undefined;
  #namespace: NetworkNamespace | undefined;
  #state: SandboxState | undefined;
  #ending = false;

  /** It begins to boot at once. */
  constructor(parts: SandboxVmParts) {
    this.#parts = parts;
    const launch = this.#prepare();
    this.launched = launch.then(({ vm }) => vm);
    this.ready = launch.then(({ ready }) => ready);
    // Create tells it to the client.
    for (const promise of [this.launched, this.ready]) promise.catch(() => {});
  }

  /** Once it is launched: on the host. */
  get cgroup(): VmCgroup | undefined {
    return this.#cgroup;
  }

  /** Once it is launched: as it was asked for. */
  get namespace(): NetworkNamespace | undefined {
    return this.#namespace;
  }

  /** Writes down what `delete` has to undo if this process is gone. */
  rememberNetwork(network: NonNullable<SandboxState["network"]>): void {
    if (this.#state !== undefined) this.#remember({ ...this.#state, network });
  }

  /** Powers the guest off; `end` is what ends the VM. */
  async powerOff(): Promise<void> {
    this.#ending = true;
    await this.launched.catch(() => {});
    await this.#current?.powerOff(POWER_OFF_LIMIT_MS);
  }

  async end(): Promise<void> {
    await this.#current?.stop();
    // Another one may have been about to take its place.
    await this.ready.catch(() => {});
    await this.#current?.stop();
  }

  async #prepare() {
    const { spec, stateDir, log } = this.#parts;
    const settings = this.#parts.settings();
    const config = vmConfig(spec, settings, stateDir);
    this.#namespace = config.network;
    const template = new Template(config, settings.template, log);
    // Beside the cgroup: the helper takes as long to start.
    const copy = template.begin();
    try {
      const cgroup = this.#makeCgroup(config, settings);
      const launch: Launch = (origin, network = config.network) => this.#launch({ ...config, network }, cgroup, origin);
      return launchVm(template, copy, launch, () => !this.#ending);
    } catch (error) {
      copy?.template.close();
      copy?.memory.abandon();
      throw error;
    }
  }

  #makeCgroup(config: VmConfig, settings: Settings): VmCgroup {
    const { spec, log } = this.#parts;
    const cgroup = vmCgroup(spec, config, settings, log);
    this.#cgroup = cgroup;
    this.#remember({ shim: thisProcess(), processes: [], cgroups: cgroup.directories });
    cgroup.create();
    return cgroup;
  }

  async #launch(config: VmConfig, cgroup: VmCgroup, origin: Origin): Promise<Vm> {
    const { log, onEnd } = this.#parts;
    const begun = monotonicMs();
    const vm = await Vm.launch(config, (line) => log.write("info", line), cgroup, origin);
    const processes = [vm.qemu, ...vm.virtiofsds].map(({ pid, startTime }) => ({ pid, startTime }));
    this.#remember({ shim: thisProcess(), processes, cgroups: cgroup.directories });
    this.#current = vm;
    void vm.ended.then((reason) => onEnd(vm, reason));
    void vm.ready
      .then(() => {
        const [took, template] = [Math.round(monotonicMs() - begun), String(vm.restored)];
        log.write("debug", "guest ready", { t_boot: took, accel: config.accelerator, template });
        cgroup.limitTime();
        return this.#follow(vm);
      })
      .catch(() => {});
    return vm;
  }

  /** What goes on as long as the VM does. */
  async #follow(vm: Vm): Promise<void> {
    const stopFollowing = followClock(() => vm.standstill.awake(() => setGuestClock(vm.guest)));
    void vm.ended.then(stopFollowing);
    await vm.guest.subscribe(guest.events, {}, this.#parts.onEvent);
  }

  #remember(state: SandboxState): void {
    this.#state = state;
    this.#parts.stateDir.write(state);
  }
}
