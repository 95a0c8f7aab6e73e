import type { MuxStream, StreamMux } from "../proto/stream/mux.ts";
import { fifoPath, InputFifo, OutputFifo } from "./fifo.ts";

/** The streams of a process as a client names them; empty for none. */
export interface StdioPaths {
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly terminal: boolean;
}

/** Whose streams they are, for what is started for them. */
export interface StdioContext {
  /** The container's id; an exec's own for an exec, as runc's shim has it. */
  readonly id: string;
  readonly namespace: string;
  /** An existing directory that only root can write: the sandbox's. */
  readonly directory: string;
  /** Tells whoever reads the shim's log. */
  readonly warn: (message: string) => void;
}

/** How long the end of the output may take after the process has ended: its children may keep the pipes open. */
const DRAIN_LIMIT_MS = 8_000;

/** The standard streams of one process, joined to their fifos on the host. */
export class Stdio {
  /** Stream numbers as the guest protocol has them; 0 for none. */
  readonly streams: { stdin: number; stdout: number; stderr: number; terminal: boolean };
  readonly #input: InputFifo | undefined;
  readonly #inputStream: MuxStream | undefined;
  readonly #outputs: { fifo: OutputFifo; stream: MuxStream }[] = [];

  /** Opens what the paths name. Rejects with InvalidArgument or Unimplemented, with nothing left open. */
  static async open(
    paths: StdioPaths,
    _context: StdioContext,
    mux: StreamMux,
    nextStream: () => number,
  ): Promise<Stdio> {
    return new Stdio(paths, mux, nextStream);
  }

  private constructor(paths: StdioPaths, mux: StreamMux, nextStream: () => number) {
    // All paths are checked before the first one is opened.
    const [stdin, stdout, stderr] = [fifoPath(paths.stdin), fifoPath(paths.stdout), fifoPath(paths.stderr)];
    const number = (path: string | undefined) => (path === undefined ? 0 : nextStream());
    this.streams = { stdin: number(stdin), stdout: number(stdout), stderr: number(stderr), terminal: paths.terminal };
    try {
      if (stdin !== undefined) {
        this.#input = new InputFifo(stdin);
        this.#inputStream = mux.open(this.streams.stdin);
      }
      if (stdout !== undefined) this.#output(stdout, mux.open(this.streams.stdout));
      if (stderr !== undefined) this.#output(stderr, mux.open(this.streams.stderr));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  #output(path: string, stream: MuxStream): void {
    this.#outputs.push({ fifo: new OutputFifo(path, stream), stream });
  }

  /** The guest knows the streams: standard input may flow. */
  start(): void {
    if (this.#inputStream !== undefined) this.#input?.start(this.#inputStream);
  }

  closeStdin(): void {
    this.#input?.closeKeeper();
  }

  /** Waits until all output is in the fifos, for a bounded time, then closes everything. */
  async drain(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_LIMIT_MS);
    });
    await Promise.race([Promise.all(this.#outputs.map(({ fifo }) => fifo.done)), limit]);
    clearTimeout(timer);
    this.close();
  }

  close(): void {
    this.#input?.close();
    this.#inputStream?.end();
    for (const { fifo, stream } of this.#outputs) {
      stream.abandon();
      fifo.close();
    }
  }
}
