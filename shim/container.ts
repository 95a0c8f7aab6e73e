import { guest } from "../proto/guest/methods.ts";
import { monotonicMs } from "../proto/monotonic.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Spec } from "./bundle.ts";
import { recordExit } from "./exit-record.ts";
import { payPoststop, runHooks } from "./hooks.ts";
import { removeRoot } from "./mounts.ts";
import { type Exit, Process, type Size } from "./process.ts";
import { ProcessTable } from "./process-table.ts";
import type { Sandbox } from "./sandbox.ts";
import type { StdioPaths } from "./stdio.ts";

export interface ContainerOptions {
  readonly id: string;
  readonly bundle: string;
  readonly spec: Spec;
  readonly stdio: StdioPaths;
  /** Runs once for each process, when its state is stopped and before anybody who waits is told. */
  readonly onExit: (container: Container, process: Process, exit: Exit) => void;
  /** The guest's kernel has killed a process of it for want of memory. */
  readonly onOutOfMemory: (container: Container) => void;
}

const SIGKILL = 9;

/** One container in the VM: its processes, and what belongs to it on the host. */
export class Container {
  readonly id: string;
  readonly bundle: string;
  readonly spec: Spec;
  readonly init: Process;
  readonly execs = new Map<string, Process>();
  readonly sandbox: Sandbox;
  readonly #options: ContainerOptions;
  /** Pause has answered, or is under way. */
  paused = false;

  readonly processes = new ProcessTable();

  constructor(sandbox: Sandbox, options: ContainerOptions) {
    this.sandbox = sandbox;
    this.id = options.id;
    this.bundle = options.bundle;
    this.spec = options.spec;
    this.#options = options;
    this.init = this.#process("", options.stdio, new Uint8Array(), () => this.#execsTold());
  }

  /** The pid that clients see: of the process of the host that stands for the init. */
  get pid(): number {
    return this.init.pid;
  }

  #process(execId: string, stdioPaths: StdioPaths, spec: Uint8Array, beforeStopped: () => Promise<unknown>): Process {
    const process: Process = new Process({
      containerId: this.id,
      execId,
      stdioPaths,
      spec,
      beforeStopped,
      onExit: (exit) => {
        if (process === this.init) this.#initExited(exit);
        this.#options.onExit(this, process, exit);
        if (process === this.init) void this.sandbox.endIfIdle();
      },
    });
    return process;
  }

  /** The end of init is the end of all: the guest has told those of the execs before, but their output may drain yet. */
  #execsTold(): Promise<unknown> {
    return Promise.all([...this.execs.values()].filter((exec) => exec.isEnding).map((exec) => exec.exited));
  }

  #initExited(exit: Exit): void {
    this.paused = false;
    void this.processes.close();
    recordExit(this.bundle, { ...exit, pid: this.pid });
  }

  /** The process with this exec id; "" is the init. Throws NotFound. */
  find(execId: string): Process {
    const process = execId === "" ? this.init : this.execs.get(execId);
    if (process === undefined) {
      throw new RpcError(Code.NotFound, `process ${execId} of container ${this.id}: not found`);
    }
    return process;
  }

  /** Adds an exec that waits to be started. Throws AlreadyExists, and FailedPrecondition when the init has ended. */
  addExec(execId: string, stdio: StdioPaths, spec: Uint8Array): Process {
    if (this.execs.has(execId)) throw new RpcError(Code.AlreadyExists, `id ${execId}: already exists`);
    if (this.init.isEnding) throw new RpcError(Code.FailedPrecondition, "cannot exec in a stopped container");
    const process = this.#process(execId, stdio, spec, () => Promise.resolve());
    this.execs.set(execId, process);
    return process;
  }

  get isStopped(): boolean {
    return this.init.isStopped;
  }

  /** `announce` runs when the init runs, before anything can be said of its end. A poststart hook that fails ends it. */
  async start(announce: () => void): Promise<void> {
    const { id, pid, bundle, spec } = this;
    const begun = monotonicMs();
    let hooked = true;
    const run = async () => {
      // Docker moves the interfaces there between Create and Start.
      await this.sandbox.syncNetwork(true);
      await this.sandbox.call(guest.start, { containerId: id });
      hooked = false;
      await runHooks("poststart", spec, { id, status: "running", pid, bundle });
      hooked = true;
    };
    await this.init.start(run, announce).catch(async (error) => {
      if (!hooked) {
        // Whoever gets the error deletes the container next, and only a stopped one can be.
        await this.kill(this.init, SIGKILL, true).catch(() => {});
        await this.init.exited;
      }
      throw error;
    });
    this.sandbox.log.write("debug", "container started", { id, t_start: Math.round(monotonicMs() - begun) });
  }

  /** Sends a signal to one process, or to `all` of the container. Throws NotFound if it has ended. */
  async kill(process: Process, signal: number, all: boolean): Promise<void> {
    const finished = new RpcError(Code.NotFound, "process already finished");
    if (process.isEnding) throw finished;
    if (process !== this.init && process.state.name === "created")
      throw new RpcError(Code.FailedPrecondition, `process ${process.execId} has not been started`);
    const request = { containerId: this.id, execId: process.execId, signal, all };
    await this.sandbox.call(guest.signal, request).catch((error: unknown) => {
      const { code } = RpcError.from(error);
      throw code === Code.FailedPrecondition || code === Code.NotFound ? finished : error;
    });
    // Its end has to be told, which takes a VM that runs.
    if (signal === SIGKILL && process === this.init && this.paused) {
      this.paused = false;
      await this.sandbox.rest();
    }
  }

  /** Sets the size of a process's terminal, at once or when there is one. Without a terminal nothing is done. */
  async resize(process: Process, size: Size): Promise<void> {
    if (!process.stdioPaths.terminal || process.isEnding) return;
    process.size = size;
    if (process !== this.init && process.state.name === "created") return;
    await this.sandbox.call(guest.resize, { containerId: this.id, execId: process.execId, ...size });
  }

  /** Somebody on the host signalled the process that stands for one of the guest: it is meant for that one. */
  signalled(process: Process, signal: number): void {
    this.kill(process, signal, false).catch((error: Error) =>
      this.sandbox.log.write("debug", `signal ${signal}: ${error.message}`, { id: this.id, exec: process.execId }),
    );
  }

  /** The guest says that a process has ended. One that it does not have here is none of ours. */
  processEnded(execId: string, status: number): void {
    (execId === "" ? this.init : this.execs.get(execId))?.ended(status);
  }

  outOfMemory(): void {
    this.#options.onOutOfMemory(this);
  }

  /** The VM is gone: to their parent its processes were killed. */
  lost(): void {
    for (const process of [...this.execs.values(), this.init]) {
      if (process === this.init || process.isRunning) process.ended(128 + SIGKILL);
    }
  }

  /** Forgets an exec. One that was never started is as good as one that has ended; a running one is an error. */
  async deleteExec(process: Process): Promise<Exit> {
    if (process.isRunning) throw new RpcError(Code.FailedPrecondition, "cannot delete: process is running");
    if (process.state.name === "created" && !process.isEnding) process.abandon({ status: 0, at: new Date(0) });
    const exit = await process.exited;
    await process.released();
    this.execs.delete(process.execId);
    return exit;
  }

  /** Removes what is left. A container that was never started is ended first; a running one is an error. */
  async delete(): Promise<Exit> {
    if (this.init.state.name === "running")
      throw new RpcError(Code.FailedPrecondition, "cannot delete: process is running");
    if (this.init.state.name === "created" && !this.init.isEnding)
      await this.kill(this.init, SIGKILL, false).catch(() => this.init.ended(128 + SIGKILL));
    const exit = await this.init.exited;
    await Promise.all([this.init.released(), this.sandbox.endIfIdle()]);
    if (!this.sandbox.isStopping) {
      await this.sandbox.call(guest.delete, { containerId: this.id });
      await removeRoot(this.sandbox.sharedPath(this.id));
      await this.sandbox.volumes.release(this.id);
    }
    this.sandbox.containers.delete(this.id);
    const warn = (line: string) => this.sandbox.log.write("warning", line, { id: this.id });
    await payPoststop(this.spec, this.id, this.bundle, warn);
    return exit;
  }
}
