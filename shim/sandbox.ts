import { basename, join } from "node:path";
import { guest } from "../proto/guest/methods.ts";
import { monotonicMs } from "../proto/monotonic.ts";
import type { CallOptions } from "../proto/ttrpc/client.ts";
import type { Method } from "../proto/ttrpc/method.ts";
import { locateSeccomp } from "../vmm/locate.ts";
import { Loopback } from "../vmm/loopback.ts";
import type { Origin } from "../vmm/processes.ts";
import { StandIn, type StandInOptions } from "../vmm/stand-in.ts";
import { setGuestClock } from "../vmm/standstill.ts";
import { Vm } from "../vmm/vm.ts";
import type { NetworkNamespace, VmConfig } from "../vmm/vm-config.ts";
import { mayHaveVolumes } from "./bind.ts";
import type { Resources, Spec } from "./bundle.ts";
import type { VmCgroup } from "./cgroup.ts";
import { followClock } from "./clock.ts";
import type { Container } from "./container.ts";
import { SHARE_ERROR_VARIABLE } from "./daemon-parameters.ts";
import { type Launch, launchVm } from "./launch.ts";
import type { Log } from "./log.ts";
import { unmountTree } from "./mounts.ts";
import { Network } from "./network.ts";
import { thisProgram, vmCgroup, vmConfig } from "./sandbox-config.ts";
import { SeccompCompiler } from "./seccomp.ts";
import type { Settings } from "./settings.ts";
import { type SandboxState, type StateDir, thisProcess } from "./state-dir.ts";
import type { StdioContext } from "./stdio.ts";
import { Template } from "./template.ts";
import { Tunnel, type TunnelGuest } from "./tunnel.ts";
import { Volumes } from "./volumes.ts";

/** How long guest-init may take to write back and power off. */
const POWER_OFF_LIMIT_MS = 3_000;

/** One VM with its containers: a pod, or a single container. */
export class Sandbox {
  readonly containers = new Map<string, Container>();
  readonly stateDir: StateDir;
  readonly volumes: Volumes;
  readonly log: Log;
  readonly seccomp: SeccompCompiler;
  readonly #served: readonly string[];
  readonly #launched: Promise<Vm>;
  /** The same one, or the one that took its place. */
  readonly #ready: Promise<Vm>;
  /** Whose processes run, the guest ready or not. */
  #current: Vm | undefined;
  #cgroup: VmCgroup | undefined;
  /** As it was asked for. */
  #namespace: NetworkNamespace | undefined;
  #network: Network | undefined;
  #state: SandboxState | undefined;
  #nextStream = 1;
  #stopped: Promise<void> | undefined;

  /** The VM begins to boot at once, while containerd is still on its way to Create. */
  constructor(stateDir: StateDir, uid: number, spec: Spec, settings: () => Settings, log: Log) {
    this.stateDir = stateDir;
    this.#served = stateDir.served(mayHaveVolumes(spec));
    this.volumes = new Volumes(stateDir.volumesDir, stateDir.stagingDir);
    this.log = log;
    this.seccomp = new SeccompCompiler(locateSeccomp(thisProgram()), uid, log);
    const launch = this.#prepare(uid, spec, settings);
    this.#launched = launch.then(({ vm }) => vm);
    this.#ready = launch.then(({ ready }) => ready);
    // Create tells it to the client.
    for (const promise of [this.#launched, this.#ready]) promise.catch(() => {});
  }

  async #prepare(uid: number, spec: Spec, settings: () => Settings) {
    const shareError = process.env[SHARE_ERROR_VARIABLE];
    if (shareError !== undefined) throw new Error(shareError);
    const given = settings();
    const config = vmConfig(spec, given, this.stateDir, uid);
    this.#namespace = config.network;
    const cgroup = vmCgroup(spec, config, given, this.log);
    this.#cgroup = cgroup;
    this.#remember({ shim: thisProcess(), processes: [], cgroups: cgroup.directories });
    cgroup.create();
    const template = new Template(config, given.template, this.log);
    const launch: Launch = (origin, network = config.network) => this.#launch({ ...config, network }, cgroup, origin);
    return launchVm(template, launch, () => !this.isStopping);
  }

  async #launch(config: VmConfig, cgroup: VmCgroup, origin: Origin): Promise<Vm> {
    const begun = monotonicMs();
    const vm = await Vm.launch(config, (line) => this.log.write("info", line), cgroup, origin);
    const processes = [vm.qemu, ...vm.virtiofsds].map(({ pid, startTime }) => ({ pid, startTime }));
    this.#remember({ shim: thisProcess(), processes, cgroups: cgroup.directories });
    this.#current = vm;
    void vm.ended.then((reason) => this.#lost(vm, reason));
    void vm.ready
      .then(() => {
        this.log.write("debug", "guest ready", {
          t_boot: Math.round(monotonicMs() - begun),
          accel: config.accelerator,
          template: String(vm.restored),
        });
        cgroup.limitTime();
        const stopFollowing = followClock(() => vm.standstill.awake(() => setGuestClock(vm.guest)));
        void vm.ended.then(stopFollowing);
        return this.#subscribe(vm);
      })
      .catch(() => {});
    return vm;
  }

  /** The VM, its guest ready. Rejects with why it is not. */
  ready(): Promise<Vm> {
    return this.#ready;
  }

  /** The VM, its processes running; the guest may not be ready yet. */
  launched(): Promise<Vm> {
    return this.#launched;
  }

  /** Calls guest-init, for which a VM that stands still wakes for a moment. Rejects as `TtrpcClient.call` does. */
  async call<Req extends object, Res extends object>(method: Method<Req, Res>, request: Req, options?: CallOptions) {
    const vm = await this.#ready;
    return vm.standstill.awake(() => vm.guest.call(method, request, options));
  }

  /** A process of the host that stands for one of a container; it lies in the VM's network namespace and cgroup. */
  async standIn(id: string, options: Omit<StandInOptions, "networkOf" | "root">): Promise<StandIn> {
    const vm = await this.#launched;
    // Before QEMU speaks its process may be in the host's network namespace yet; why it never does, `ready` knows.
    await vm.qmp.greeting.catch(() => this.#ready);
    const spawn = ({ config, pid }: Vm) =>
      StandIn.spawn(config.standIn, { ...options, networkOf: pid, root: this.rootPath(id) });
    const standIn = await spawn(vm).catch(async (error: unknown) => {
      // A VM that is gone has no namespace to join; then that is what went wrong, or another one has taken its place.
      const ready = await this.#ready;
      if (ready === vm) throw error;
      return spawn(ready);
    });
    await this.#cgroup?.add(standIn.pid).catch(async (error: unknown) => {
      await standIn.end();
      throw error;
    });
    return standIn;
  }

  /** What `delete` needs if this process is gone. */
  #remember(state: SandboxState): void {
    this.#state = state;
    this.stateDir.write(state);
  }

  /** Gives the guest what its network namespace on the host has by now; `last` before a container starts. */
  async syncNetwork(last: boolean): Promise<void> {
    const vm = await this.#ready;
    this.#network ??= new Network({
      pid: vm.pid,
      devices: vm.config.networkDevices,
      bare: vm.restored,
      configure: (request) => this.call(guest.network, request),
      path: this.#namespace?.kind === "path" ? this.#namespace.path : undefined,
      openLoopback: () => this.#openLoopback(vm),
      warn: (message) => this.log.write("warning", message),
      onCoupled: (network) => this.#state !== undefined && this.#remember({ ...this.#state, network }),
    });
    await this.#network.sync(last);
  }

  #openLoopback(vm: Vm): Promise<Loopback> {
    const reach: TunnelGuest = {
      streams: vm.streams,
      nextStream: () => this.nextStream(),
      dial: (request) => this.call(guest.dial, request),
    };
    return Loopback.spawn(vm.config.loopback, {
      networkOf: vm.pid,
      uid: vm.config.uid,
      raise: this.#namespace?.kind === "new",
      dial: (target) => Tunnel.dial(reach, target),
    });
  }

  /** The VM stands still while all of its containers that have not ended are paused. */
  async rest(): Promise<void> {
    const { standstill } = await this.#ready;
    const open = this.#open;
    await (open.length > 0 && open.every(({ paused }) => paused) ? standstill.stop() : standstill.resume());
  }

  /**
   * A container of a pod joins the namespaces of another one by the pid that a client knows. Gives the same namespace's
   * path in the guest; undefined for a path of any other kind or process.
   */
  namespacePath(path: string): string | undefined {
    const [, pid, name] = /^\/proc\/(\d+)\/ns\/(\w+)$/.exec(path) ?? [];
    const owner = [...this.containers.values()].find(({ init }) => init.guestPid > 0 && `${init.pid}` === pid);
    return owner === undefined ? undefined : `/proc/${owner.init.guestPid}/ns/${name}`;
  }

  /** The containers that have not ended. */
  get #open(): readonly Container[] {
    return [...this.containers.values()].filter((container) => !container.isStopped);
  }

  nextStream(): number {
    return this.#nextStream++;
  }

  /** For the streams of a container, or of an exec: `id` is its own. */
  stdioContext(id: string): StdioContext {
    const { namespace, path } = this.stateDir;
    return { id, namespace, directory: path, warn: (message) => this.log.write("warning", message, { id }) };
  }

  /**
   * Sets new limits on the VM's cgroup on the host; throws what the kernel refuses. The cgroup is that of the container
   * that the VM was made for: the limits of others in a pod hold in the guest.
   */
  updateCgroup(id: string, resources: Resources): void {
    if (id === basename(this.stateDir.path)) this.#cgroup?.update(resources);
  }

  /** Where a container's root file system is mounted, in the shim's mount namespace. */
  rootPath(id: string): string {
    return join(this.sharedPath(id), "rootfs");
  }

  sharedPath(id: string): string {
    return join(this.stateDir.sharedDir, id);
  }

  /** Ends the VM when no container needs it any more. */
  async endIfIdle(): Promise<void> {
    if (this.#open.length === 0) await this.stop();
  }

  get isStopping(): boolean {
    return this.#stopped !== undefined;
  }

  /** Powers the guest off, then removes everything that the VM had on the host. Twice is once. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      await this.#launched.catch(() => {});
      await this.#current?.powerOff(POWER_OFF_LIMIT_MS);
      await Promise.all([this.#endVm(), this.#network?.close(), this.#unmount()]);
      await this.#cgroup?.remove();
      try {
        this.stateDir.remove();
      } catch (error) {
        this.log.write("warning", (error as Error).message);
      }
    })();
    return this.#stopped;
  }

  async #endVm(): Promise<void> {
    await this.#current?.stop();
    // Another one may have been about to take its place.
    await this.#ready.catch(() => {});
    await this.#current?.stop();
  }

  /** What cannot be unmounted keeps the state directory. */
  async #unmount(): Promise<void> {
    await unmountTree(...this.#served).catch((error: Error) => this.log.write("warning", error.message));
  }

  async #subscribe(vm: Vm): Promise<void> {
    await vm.guest.subscribe(guest.events, {}, (event) => {
      const { exit, oom } = event;
      if (exit) this.containers.get(exit.containerId)?.processEnded(exit.execId, exit.exitStatus);
      if (oom) this.containers.get(oom.containerId)?.outOfMemory();
    });
  }

  #lost(vm: Vm, reason: string): void {
    const open = this.#open;
    if (open.length > 0 && !this.isStopping) this.log.write("error", `the VM ended: ${reason}`, { pid: vm.pid });
    for (const container of open) container.lost();
  }
}
