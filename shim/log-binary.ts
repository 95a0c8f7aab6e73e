import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, readFileSync } from "node:fs";
import { Socket } from "node:net";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { type ChildExit, describeExit } from "../vmm/child.ts";
import { settledWithin } from "./deadline.ts";
import { openPipes, type Pipe } from "./pipe.ts";
import { PipeSink, type Sink } from "./sink.ts";
import type { BinaryTarget } from "./stdio-uri.ts";

export interface LoggerContext {
  readonly id: string;
  readonly namespace: string;
  /** A directory that only root can write. */
  readonly directory: string;
}

export interface LoggerLimits {
  /** From its start to its sign of readiness. */
  readonly readyMs: number;
  /** From the end of its input to SIGTERM. */
  readonly endMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly termMs: number;
}

const LIMITS: LoggerLimits = { readyMs: 30_000, endMs: 2_000, termMs: 12_000 };

/** A program that takes the output of a process: `binary://`, as containerd's package runtime/v2/logging has it. */
export class LogBinary {
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly #child: ChildProcess;
  readonly #exited: Promise<ChildExit>;
  readonly #limits: LoggerLimits;
  #ended: Promise<void> | undefined;

  private constructor(child: ChildProcess, stdout: Sink, stderr: Sink, limits: LoggerLimits) {
    this.#child = child;
    this.stdout = stdout;
    this.stderr = stderr;
    this.#limits = limits;
    this.#exited = exitOf(child);
  }

  /** Starts it, and waits until it is ready. Rejects with nothing left of it. */
  static async start(target: BinaryTarget, context: LoggerContext, limits = LIMITS): Promise<LogBinary> {
    const [stdout, stderr, ready] = await openPipes(context.directory, ["writer", "writer", "reader"]);
    const child = spawnLogger(target, context, [stdout, stderr, ready]);
    const failure = startFailure(child);
    const logger = new LogBinary(child, new PipeSink(stdout.writer), new PipeSink(stderr.writer), limits);
    try {
      const sign = await signOf(ready.reader, limits.readyMs);
      const error = await failure;
      if (error) throw new Error(`cannot be started: ${error.message}`);
      if (sign === "none") throw new Error(`was not ready within ${limits.readyMs / 1000} s`);
      if (sign === "end" && isExiting(child)) {
        throw new Error(`ended with ${describeExit(await logger.#exited)} before it was ready`);
      }
      if (sign === "end" && target.saysReady) throw new Error("closed its ready pipe without a word");
      return logger;
    } catch (error) {
      await logger.#kill();
      throw loggerError(target, error as Error);
    }
  }

  /** Ends its input, then the program: by itself, by SIGTERM, by SIGKILL. Resolves when it is gone. Twice is once. */
  end(): Promise<void> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end(): Promise<void> {
    this.stdout.destroy();
    this.stderr.destroy();
    // A shim that must not wait any longer leaves no logger behind.
    const kill = () => void this.#child.kill("SIGKILL");
    process.once("exit", kill);
    if (!(await settledWithin(this.#exited, this.#limits.endMs))) {
      this.#child.kill("SIGTERM");
      if (!(await settledWithin(this.#exited, this.#limits.termMs))) this.#child.kill("SIGKILL");
      await this.#exited;
    }
    process.off("exit", kill);
  }

  async #kill(): Promise<void> {
    this.stdout.destroy();
    this.stderr.destroy();
    this.#child.kill("SIGKILL");
    await this.#exited;
  }
}

/** Hands the child its ends of the pipes, and ours are all that is left here; all are closed if that fails. */
function spawnLogger(target: BinaryTarget, context: LoggerContext, pipes: readonly [Pipe, Pipe, Pipe]): ChildProcess {
  const [stdout, stderr, ready] = pipes;
  const theirs = [stdout.reader, stderr.reader, ready.writer] as const;
  try {
    return spawn(target.path, target.args, {
      cwd: "/",
      env: { CONTAINER_ID: context.id, CONTAINER_NAMESPACE: context.namespace },
      stdio: ["ignore", "ignore", "ignore", ...theirs],
    });
  } catch (error) {
    for (const fd of [stdout.writer, stderr.writer, ready.reader]) closeSync(fd);
    throw loggerError(target, new Error(`cannot be started: ${(error as Error).message}`, { cause: error }));
  } finally {
    for (const fd of theirs) closeSync(fd);
  }
}

function loggerError(target: BinaryTarget, error: Error): RpcError {
  return new RpcError(Code.Unknown, `the logger ${target.path} ${error.message}`, { cause: error });
}

/** Settles for a program that could not be started, too. */
function exitOf(child: ChildProcess): Promise<ChildExit> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => resolve({ code, signal }));
    child.once("error", () => resolve({ code: null, signal: null }));
  });
}

/** Why the program could not be started. Node says so in an event of its own, after the call. */
async function startFailure(child: ChildProcess): Promise<Error | undefined> {
  if (child.pid !== undefined) return undefined;
  return new Promise((resolve) => child.once("error", resolve));
}

/** What comes first on the ready pipe, which is closed then. */
async function signOf(fd: number, limitMs: number): Promise<"byte" | "end" | "none"> {
  const pipe = new Socket({ fd, readable: true, writable: false });
  const sign = Promise.withResolvers<"byte" | "end">();
  pipe.once("data", () => sign.resolve("byte"));
  pipe.once("error", () => sign.resolve("end"));
  pipe.once("close", () => sign.resolve("end"));
  pipe.once("end", () => sign.resolve("end"));
  const inTime = await settledWithin(sign.promise, limitMs);
  pipe.destroy();
  return inTime ? sign.promise : "none";
}

const PF_EXITING = 0x4;

/** Whether it ends or has ended. A process closes its descriptors on its way out, before its parent is told. */
function isExiting(child: ChildProcess): boolean {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return true;
  try {
    const stat = readFileSync(`/proc/${child.pid}/stat`, "latin1");
    // The second field is the program's name in parentheses and may hold anything.
    const [state = "", , , , , , flags] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return /[ZX]/.test(state) || (Number(flags) & PF_EXITING) !== 0;
  } catch {
    return true;
  }
}
