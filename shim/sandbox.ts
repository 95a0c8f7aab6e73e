import { basename, join } from "node:path";
import type { GuestEvent } from "../proto/guest/methods.ts";
import type { CallOptions } from "../proto/ttrpc/client.ts";
import type { Method } from "../proto/ttrpc/method.ts";
import { locateSeccomp } from "../vmm/locate.ts";
import { StandIn, type StandInOptions } from "../vmm/stand-in.ts";
import type { Vm } from "../vmm/vm.ts";
import { mayHaveVolumes } from "./bind.ts";
import type { Resources, Spec } from "./bundle.ts";
import type { Container } from "./container.ts";
import type { Log } from "./log.ts";
import { unmountTree } from "./mounts.ts";
import type { Network } from "./network.ts";
import { thisProgram } from "./sandbox-config.ts";
import { sandboxNetwork } from "./sandbox-network.ts";
import { SandboxVm } from "./sandbox-vm.ts";
import { SeccompCompiler } from "./seccomp.ts";
import type { Settings } from "./settings.ts";
import type { StateDir } from "./state-dir.ts";
import type { StdioContext } from "./stdio.ts";
import { Volumes } from "./volumes.ts";

/** One VM with its containers: a pod, or a single container. */
export class Sandbox {
  readonly containers = new Map<string, Container>();
  readonly stateDir: StateDir;
  readonly volumes: Volumes;
  readonly log: Log;
  readonly seccomp: SeccompCompiler;
  readonly #machine: SandboxVm;
  readonly #served: readonly string[];
  #network: Network | undefined;
  #nextStream = 1;
  #stopped: Promise<boolean> | undefined;

  /** The VM begins to boot at once, while containerd is still on its way to Create. */
  constructor(stateDir: StateDir, spec: Spec, settings: () => Settings, log: Log) {
    this.stateDir = stateDir;
    this.#served = stateDir.served(mayHaveVolumes(spec));
    this.volumes = new Volumes(stateDir.volumesDir, stateDir.stagingDir);
    this.log = log;
    this.seccomp = new SeccompCompiler(locateSeccomp(thisProgram()), stateDir.uid, log);
    this.#machine = new SandboxVm({
      ...{ stateDir, spec, settings, log },
      onEvent: (event) => this.#hear(event),
      onEnd: (vm, reason) => this.#lost(vm, reason),
    });
  }

  /** The VM, its guest ready. Rejects with why it is not. */
  ready(): Promise<Vm> {
    return this.#machine.ready;
  }

  /** The VM, its processes running; the guest may not be ready yet. */
  launched(): Promise<Vm> {
    return this.#machine.launched;
  }

  /** Calls guest-init, for which a VM that stands still wakes for a moment. Rejects as `TtrpcClient.call` does. */
  async call<Req extends object, Res extends object>(method: Method<Req, Res>, request: Req, options?: CallOptions) {
    const vm = await this.#machine.ready;
    return vm.standstill.awake(() => vm.guest.call(method, request, options));
  }

  /** A process of the host that stands for one of a container; it lies in the VM's network namespace and cgroup. */
  async standIn(id: string, options: Omit<StandInOptions, "networkOf" | "root">): Promise<StandIn> {
    const vm = await this.#machine.launched;
    // Before QEMU speaks its process may be in the host's network namespace yet; why it never does, `ready` knows.
    await vm.qmp.greeting.catch(() => this.#machine.ready);
    const spawn = ({ config, pid }: Vm) =>
      StandIn.spawn(config.standIn, { ...options, networkOf: pid, root: this.rootPath(id) });
    const standIn = await spawn(vm).catch(async (error: unknown) => {
      // A VM that is gone has no namespace to join; then that is what went wrong, or another one has taken its place.
      const ready = await this.#machine.ready;
      if (ready === vm) throw error;
      return spawn(ready);
    });
    await this.#machine.cgroup?.add(standIn.pid).catch(async (error: unknown) => {
      await standIn.end();
      throw error;
    });
    return standIn;
  }

  /** Gives the guest what its network namespace on the host has by now; `last` before a container starts. */
  async syncNetwork(last: boolean): Promise<void> {
    const vm = await this.#machine.ready;
    this.#network ??= sandboxNetwork(this, this.#machine, vm);
    await this.#network.sync(last);
  }

  /** Connections within its network namespace begin to reach the guest; what has been called is sent before. */
  joinNetwork(): void {
    setImmediate(() => void this.#network?.join());
  }

  /** The VM stands still while all of its containers that have not ended are paused. */
  async rest(): Promise<void> {
    const { standstill } = await this.#machine.ready;
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
    if (id === basename(this.stateDir.path)) this.#machine.cgroup?.update(resources);
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

  /** Powers the guest off, then removes everything that the VM had on the host. Whether all is gone. Twice is once. */
  stop(): Promise<boolean> {
    this.#stopped ??= (async () => {
      await this.#machine.powerOff();
      await Promise.all([this.#machine.end(), this.#network?.close(), this.#unmount()]);
      const isEmpty = (await this.#machine.cgroup?.remove()) ?? true;
      try {
        this.stateDir.remove();
        return isEmpty;
      } catch (error) {
        this.log.write("warning", (error as Error).message);
        return false;
      }
    })();
    return this.#stopped;
  }

  /** What cannot be unmounted keeps the state directory. */
  async #unmount(): Promise<void> {
    await unmountTree(...this.#served).catch((error: Error) => this.log.write("warning", error.message));
  }

  #hear({ exit, oom }: GuestEvent): void {
    if (exit) this.containers.get(exit.containerId)?.processEnded(exit.execId, exit.exitStatus);
    if (oom) this.containers.get(oom.containerId)?.outOfMemory();
  }

  #lost(vm: Vm, reason: string): void {
    const open = this.#open;
    if (open.length > 0 && !this.isStopping) this.log.write("error", `the VM ended: ${reason}`, { pid: vm.pid });
    for (const container of open) container.lost();
  }
}
