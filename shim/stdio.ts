import { setImmediate } from "node:timers/promises";
import { monotonicMs } from "../proto/monotonic.ts";
import type { MuxStream, StreamMux } from "../proto/stream/mux.ts";
import { settledWithin } from "./deadline.ts";
import { InputFifo } from "./fifo.ts";
import type { LogBinary } from "./log-binary.ts";
import { Output } from "./output.ts";
import { openSinks, type SinkContext, type Sinks } from "./sinks.ts";
import { inputPath, outputTarget } from "./stdio-uri.ts";

/** The streams of a process as a client names them; empty for none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** Whose streams they are: `id` is the container's, or an exec's own for an exec, as runc's shim has it. */
export type StdioContext = SinkContext;

/** How long the end of the output may take after the process has ended, in milliseconds. */
export interface DrainLimits {
  /** With nothing coming: children that outlive the process may keep its pipes open. As long as runc's shim waits. */
  readonly quietMs: number;
  /** In all, for a reader that does not read. Less than clients wait for Delete. */
  readonly totalMs: number;
}

const DRAIN_LIMITS: DrainLimits = { quietMs: 2_000, totalMs: 8_000 };

/** How long `close` waits for loggers that do not end. */
const CLOSE_LIMIT_MS = 8_000;

/** Stream numbers as the guest protocol has them; 0 for none. */
export interface StreamNumbers {
  readonly stdin: number;
  readonly stdout: number;
  readonly stderr: number;
  readonly terminal: boolean;
}

/** The standard streams of one process, joined to what the client named for them. */
export class Stdio {
  readonly streams: StreamNumbers;
  readonly #input: { fifo: InputFifo; stream: MuxStream } | undefined;
  readonly #outputs: readonly Output[];
  readonly #loggers: readonly LogBinary[];
  readonly #limits: DrainLimits;
  #closed: Promise<void> | undefined;

  private constructor(
    terminal: boolean,
    fifo: InputFifo | undefined,
    sinks: Sinks,
    openStream: () => MuxStream,
    limits: DrainLimits,
  ) {
    this.#input = fifo && { fifo, stream: openStream() };
    const opened = [sinks.stdout, sinks.stderr].map((sink) => sink && { sink, stream: openStream() });
    const [stdout, stderr] = opened.map((each) => each?.stream.id ?? 0);
    this.streams = { stdin: this.#input?.stream.id ?? 0, stdout: stdout ?? 0, stderr: stderr ?? 0, terminal };
    this.#outputs = opened.flatMap((each) => (each ? [new Output(each.stream, each.sink)] : []));
    this.#loggers = sinks.loggers;
    this.#limits = limits;
  }

  /**
   * Opens what the paths name, and starts a logger if they name one. A terminal has no standard error of its own.
   * Rejects with InvalidArgument, Unimplemented or what became of the logger, with nothing left open.
   */
  static async open(
    paths: StdioPaths,
    context: StdioContext,
    mux: StreamMux,
    nextStream: () => number,
    limits = DRAIN_LIMITS,
  ): Promise<Stdio> {
    // All are checked before the first one is opened.
    const stdin = inputPath(paths.stdin);
    const stdout = outputTarget(paths.stdout);
    const stderr = paths.terminal ? undefined : outputTarget(paths.stderr);
    await using undo = new AsyncDisposableStack();
    const fifo = stdin === undefined ? undefined : new InputFifo(stdin);
    undo.defer(() => fifo?.close());
    const sinks = await openSinks(stdout, stderr, context);
    undo.move();
    return new Stdio(paths.terminal, fifo, sinks, () => mux.open(nextStream()), limits);
  }

  /** The guest knows the streams: standard input may flow. */
  start(): void {
    this.#input?.fifo.start(this.#input.stream);
  }

  closeStdin(): void {
    this.#input?.fifo.closeKeeper();
  }

  /** The process has ended: waits until all output is where it belongs, for a bounded time, then closes everything. */
  async drain(): Promise<void> {
    const begun = monotonicMs();
    const done = Promise.all(this.#outputs.map((output) => output.done));
    for (;;) {
      const passed = monotonicMs() - begun;
      const quiet = Math.min(passed, ...this.#outputs.map((output) => output.quietMs));
      const left = Math.min(this.#limits.quietMs - quiet, this.#limits.totalMs - passed);
      if (left <= 0 || (await settledWithin(done, left))) break;
      // On a busy machine bytes may wait to be read when the timer is late: they are looked at first.
      await setImmediate();
    }
    void this.close();
  }

  /** Closes everything. Resolves when no logger is left, or soon enough for a client. Legal in any state, twice too. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#input?.fifo.close();
    this.#input?.stream.end();
    for (const output of this.#outputs) output.close();
    await settledWithin(Promise.all(this.#loggers.map((logger) => logger.end())), CLOSE_LIMIT_MS);
  }
}
