import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { span } from "../proto/trace.ts";
import type { NetworkNamespace } from "./vm-config.ts";

/** How a child ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Confinement {
  readonly network: NetworkNamespace;
  /** A program, with arguments, that runs in the network namespace with the shim's privileges and executes the rest. */
  readonly inNetwork?: readonly string[] | undefined;
  /** Run as this user and group, without any capability; undefined keeps the shim's. */
  readonly uid?: number | undefined;
}

/**
 * The argv that confines a program and ends it with the shim. Each tool executes the next one in its place, so the pid
 * stays the one that was spawned. The parent-death signal is what leaves no orphan when the shim is killed.
 */
export function confinedArgv(program: string, args: readonly string[], confinement: Confinement): string[] {
  return [
    ...networkArgv(confinement.network),
    ...(confinement.inNetwork ?? []),
    "setpriv",
    ...(confinement.uid === undefined ? [] : privilegeArgs(confinement.uid)),
    "--pdeathsig=KILL",
    "--",
    program,
    ...args,
  ];
}

function networkArgv(network: NetworkNamespace): string[] {
  switch (network.kind) {
    case "host":
      return [];
    case "new":
      return ["unshare", "--net", "--"];
    case "path":
      return ["nsenter", `--net=${network.path}`, "--"];
  }
}

function privilegeArgs(uid: number): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${uid}`,
    "--clear-groups",
    "--inh-caps=-all",
    "--bounding-set=-all",
    "--no-new-privs",
  ];
}

/**
 * Where a VM's processes belong on the host; its methods are called right after the start of each. They reject if a
 * process must not go on elsewhere.
 */
export interface Placement {
  add(pid: number): Promise<void>;
  /** For a program that may have had children before it was placed. */
  addChildren(pid: number): Promise<void>;
}

/** A child process whose end is a promise: `exited` settles exactly once and never rejects. */
export class Child {
  readonly pid: number;
  readonly exited: Promise<ChildExit>;
  /** Ticks since boot at which the kernel started it: with the pid, an identity that is never reused. */
  readonly startTime: string;
  readonly #process: ChildProcess;
  #ended = false;

  private constructor(child: ChildProcess, pid: number) {
    this.#process = child;
    this.pid = pid;
    this.startTime = processStartTime(pid) ?? "";
    this.exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => {
        this.#ended = true;
        resolve({ code, signal });
      });
    });
  }

  /** Throws if the program cannot be started. */
  static async spawn(argv: readonly string[], stdio: StdioOptions): Promise<Child> {
    const [program = "", ...args] = argv;
    const end = span(`spawn ${program.split("/").at(-1)}`);
    const child = spawn(program, args, { stdio, cwd: "/" });
    end();
    const { pid } = child;
    if (pid === undefined) {
      const error = await new Promise<Error>((resolve) => child.once("error", resolve));
      throw new Error(`cannot start ${program}: ${error.message}`, { cause: error });
    }
    return new Child(child, pid);
  }

  get stdio(): ChildProcess["stdio"] {
    return this.#process.stdio;
  }

  /** For a child with a channel ("ipc" in its stdio): told each message, and the handle that came with it. */
  onMessage(listener: (message: unknown, handle: unknown) => void): void {
    this.#process.on("message", listener);
  }

  /** Closes the channel. */
  disconnect(): void {
    this.#process.disconnect();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** SIGKILL, and the wait for the end. Legal in any state, twice too. */
  async kill(): Promise<ChildExit> {
    if (!this.#ended) this.#process.kill("SIGKILL");
    return this.exited;
  }
}

/** Field 22 of /proc/PID/stat, or undefined if there is no such process. */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    return undefined;
  }
}

/** One line for an error message: "exit status 1" or "SIGKILL". */
export function describeExit(exit: ChildExit): string {
  return exit.signal ?? `exit status ${exit.code}`;
}
