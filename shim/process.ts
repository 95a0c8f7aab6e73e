import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { StandIn } from "../vmm/stand-in.ts";
import type { Stdio, StdioPaths } from "./stdio.ts";

/** How a process ended. */
export interface Exit {
  /** 0-255; 128 + n for signal n. */
  readonly status: number;
  readonly at: Date;
}

export type State = { name: "created" } | { name: "running" } | { name: "stopped"; exit: Exit };

/** The size of a terminal in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface ProcessOptions {
  readonly containerId: string;
  /** Empty for the container's init. */
  readonly execId: string;
  readonly stdioPaths: StdioPaths;
  /** An exec's `process` object as the client gave it, unread JSON; empty for the init. */
  readonly spec: Uint8Array;
  /** Awaited when the output is complete, before the state is stopped: what has to be told first. */
  readonly beforeStopped: () => Promise<unknown>;
  /** Runs once, when the state is stopped and before anybody who waits is told. */
  readonly onExit: (exit: Exit) => void;
}

/** One process that a client knows: a container's init, or an exec. Its state, its streams and its end. */
export class Process {
  readonly containerId: string;
  readonly execId: string;
  readonly stdioPaths: StdioPaths;
  readonly spec: Uint8Array;
  /** Stands for it on the host, from Create for an init and from Start for an exec until its end. */
  standIn: StandIn | undefined;
  /** The guest's number for it; 0 before there is one. */
  guestPid = 0;
  /** What its terminal is to have as soon as there is one. */
  size: Size | undefined;
  /** Settles once; the output is complete then, and the state is stopped. */
  readonly exited: Promise<Exit>;
  readonly #options: ProcessOptions;
  readonly #settleExited: (exit: Exit) => void;
  #state: State = { name: "created" };
  #stdio: Stdio | undefined;
  #starting: Promise<void> | undefined;
  #exiting = false;

  constructor(options: ProcessOptions) {
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    this.#settleExited = resolve;
    this.#options = options;
    this.containerId = options.containerId;
    this.execId = options.execId;
    this.stdioPaths = options.stdioPaths;
    this.spec = options.spec;
  }

  get state(): State {
    return this.#state;
  }

  get isStopped(): boolean {
    return this.#state.name === "stopped";
  }

  /** Whether it runs, as far as is known. */
  get isRunning(): boolean {
    return this.#state.name === "running" && !this.#exiting;
  }

  /** Whether its end is known, though perhaps not told yet. */
  get isEnding(): boolean {
    return this.#exiting;
  }

  /** The pid that clients see: a process of the host. 0 for an exec that was never started. */
  get pid(): number {
    return this.standIn?.pid ?? 0;
  }

  /** The streams are the process's from here on, and end with it. */
  own(stdio: Stdio): void {
    this.#stdio = stdio;
  }

  /**
   * `run` makes the process run; `announce` is called when it does, before anything can be said of its end. If `run`
   * fails the process stays created. Throws FailedPrecondition in any other state.
   */
  async start(run: () => Promise<void>, announce: () => void): Promise<void> {
    if (this.#state.name !== "created" || this.#exiting || this.#starting !== undefined) {
      const state = this.#exiting ? "stopped" : this.#starting !== undefined ? "being started" : this.#state.name;
      throw new RpcError(Code.FailedPrecondition, `cannot start: process is ${state}`);
    }
    const starting = run().then(() => {
      this.#state = { name: "running" };
      announce();
    });
    this.#starting = starting.catch(() => {});
    try {
      await starting;
    } finally {
      this.#starting = undefined;
    }
  }

  closeStdin(): void {
    this.#stdio?.closeStdin();
  }

  /** The guest says that the process has ended, or the VM is gone. The first time counts. */
  ended(status: number): void {
    if (this.#exiting) return;
    this.#exiting = true;
    void this.#finish({ status, at: new Date() });
  }

  async #finish(exit: Exit): Promise<void> {
    await this.#starting;
    await this.#stdio?.drain();
    await this.#options.beforeStopped();
    // Whoever is told of the end finds the pid gone, as a process that its parent has waited for.
    await this.standIn?.end();
    this.#state = { name: "stopped", exit };
    this.#options.onExit(exit);
    this.#settleExited(exit);
  }

  /** Resolves when its streams are closed and its logger, if it had one, is gone; soon enough for a client. */
  async released(): Promise<void> {
    await this.#stdio?.close();
  }

  /** Settles `exited` of a process that never was, without a word to anybody else. */
  abandon(exit: Exit): void {
    this.#exiting = true;
    this.#state = { name: "stopped", exit };
    this.#settleExited(exit);
  }
}
