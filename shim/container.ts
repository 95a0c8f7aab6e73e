import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { guest } from "../proto/guest/methods.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Vm } from "../vmm/vm.ts";
import type { Spec } from "./bundle.ts";
import { recordExit } from "./exit-record.ts";
import { guestSpec, hostRootPath } from "./guest-spec.ts";
import { checkHooks, runHooks } from "./hooks.ts";
import { bindMount, type Mount, mountAll, unmountTree } from "./mounts.ts";
import type { Sandbox } from "./sandbox.ts";
import { Stdio, type StdioPaths } from "./stdio.ts";

/** How a process ended. */
export interface Exit {
  /** 0-255; 128 + n for signal n. */
  readonly status: number;
  readonly at: Date;
}

export type State = { name: "created" } | { name: "running" } | { name: "stopped"; exit: Exit };

export interface CreateOptions {
  readonly id: string;
  readonly bundle: string;
  readonly spec: Spec;
  readonly rootfs: readonly Mount[];
  readonly stdio: StdioPaths;
  /** Runs once, when the state is stopped and before anybody who waits is told. */
  readonly onExit: (container: Container, status: number, at: Date) => void;
}

const SIGKILL = 9;

/** One container in the VM: its state, and what belongs to it on the host. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly spec: Spec;
  readonly stdioPaths: StdioPaths;
  /** The pid that clients see: QEMU's, a process of the host in the container's network namespace. */
  readonly pid: number;
  /** Settles once; the output is complete then, and the state is stopped. */
  readonly exited: Promise<Exit>;
  readonly #sandbox: Sandbox;
  readonly #vm: Vm;
  readonly #stdio: Stdio;
  readonly #settleExited: (exit: Exit) => void;
  readonly #onExit: CreateOptions["onExit"];
  #state: State = { name: "created" };
  #exiting = false;
  #starting: Promise<unknown> = Promise.resolve();

  private constructor(sandbox: Sandbox, vm: Vm, stdio: Stdio, options: CreateOptions) {
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    this.#settleExited = resolve;
    this.#onExit = options.onExit;
    this.#sandbox = sandbox;
    this.#vm = vm;
    this.#stdio = stdio;
    this.id = options.id;
    this.bundle = options.bundle;
    this.spec = options.spec;
    this.stdioPaths = options.stdio;
    this.pid = vm.pid;
  }

  /** Mounts, opens the streams and sets the container up in the guest. Rejects with nothing left of it. */
  static async create(sandbox: Sandbox, options: CreateOptions): Promise<Container> {
    checkHooks(options.spec);
    if (options.stdio.terminal) throw new RpcError(Code.Unimplemented, "terminals are not supported yet");
    const { spec, binds } = guestSpec(options.spec, options.id, options.bundle, hostname());
    const shared = sandbox.sharedPath(options.id);
    await using undo = new AsyncDisposableStack();
    const begun = performance.now();
    const vm = await sandbox.launched();
    mkdirSync(join(shared, "mounts"), { recursive: true, mode: 0o700 });
    undo.defer(() => unmountTree(shared));
    const rootfs = join(shared, "rootfs");
    if (options.rootfs.length > 0) await mountAll(options.rootfs, rootfs);
    else await bindMount(hostRootPath(options.spec, options.bundle), rootfs);
    for (const bind of binds) await bindMount(bind.source, join(shared, bind.name));
    const hookState = { id: options.id, status: "creating", pid: vm.pid, bundle: options.bundle } as const;
    await runHooks("prestart", options.spec, hookState);
    await runHooks("createRuntime", options.spec, hookState);
    const mounted = performance.now();
    const { streams } = await sandbox.ready();
    const ready = performance.now();
    const stdio = await Stdio.open(options.stdio, sandbox.stdioContext(options.id), streams, () =>
      sandbox.nextStream(),
    );
    undo.defer(() => stdio.close());
    const container = new Container(sandbox, vm, stdio, options);
    // Known before the call, so that an exit cannot come too early.
    sandbox.containers.set(options.id, container);
    undo.defer(() => void sandbox.containers.delete(options.id));
    const request = { containerId: options.id, spec: Buffer.from(JSON.stringify(spec)), stdio: stdio.streams };
    await vm.guest.call(guest.create, request);
    stdio.start();
    sandbox.log.write("debug", "container created", {
      id: options.id,
      t_mount: Math.round(mounted - begun),
      t_wait: Math.round(ready - mounted),
      t_create: Math.round(performance.now() - ready),
    });
    undo.move();
    return container;
  }

  get state(): State {
    return this.#state;
  }

  get isStopped(): boolean {
    return this.#state.name === "stopped";
  }

  /** `announce` runs when the process runs, before anything can be said of its end. */
  async start(announce: () => void): Promise<void> {
    if (this.#state.name !== "created" || this.#exiting) {
      throw new RpcError(
        Code.FailedPrecondition,
        `cannot start: process is ${this.#exiting ? "stopped" : this.#state.name}`,
      );
    }
    const starting = this.#vm.guest.call(guest.start, { containerId: this.id }).then(async () => {
      await runHooks("poststart", this.spec, { id: this.id, status: "running", pid: this.pid, bundle: this.bundle });
      this.#state = { name: "running" };
      announce();
    });
    this.#starting = starting.catch(() => {});
    await starting;
  }

  async kill(signal: number, all: boolean): Promise<void> {
    if (this.#exiting || this.isStopped) throw new RpcError(Code.NotFound, "process already finished");
    const request = { containerId: this.id, signal, all };
    await this.#vm.guest.call(guest.signal, request).catch((error: unknown) => {
      const failure = RpcError.from(error);
      if (failure.code === Code.FailedPrecondition) throw new RpcError(Code.NotFound, "process already finished");
      throw failure;
    });
  }

  closeStdin(): void {
    this.#stdio.closeStdin();
  }

  /** The guest says that the init process has ended, or the VM is gone. The first time counts. */
  processExited(status: number): void {
    if (this.#exiting) return;
    this.#exiting = true;
    void this.#finish({ status, at: new Date() });
  }

  async #finish(exit: Exit): Promise<void> {
    await this.#starting;
    await this.#stdio.drain();
    this.#state = { name: "stopped", exit };
    recordExit(this.bundle, { ...exit, pid: this.pid });
    this.#onExit(this, exit.status, exit.at);
    this.#settleExited(exit);
    await this.#sandbox.endIfIdle();
  }

  /** Removes what is left. A container that was never started is ended first; a running one is an error. */
  async delete(): Promise<Exit> {
    if (this.#state.name === "running")
      throw new RpcError(Code.FailedPrecondition, "cannot delete: process is running");
    if (this.#state.name === "created" && !this.#exiting)
      await this.kill(SIGKILL, false).catch(() => this.processExited(137));
    const exit = await this.exited;
    await this.#sandbox.endIfIdle();
    if (!this.#sandbox.isStopping) {
      await this.#vm.guest.call(guest.delete, { containerId: this.id });
      await unmountTree(this.#sandbox.sharedPath(this.id));
    }
    this.#sandbox.containers.delete(this.id);
    await runHooks("poststop", this.spec, { id: this.id, status: "stopped", pid: 0, bundle: this.bundle }).catch(
      (error: Error) => this.#sandbox.log.write("warning", error.message, { id: this.id }),
    );
    return exit;
  }
}
