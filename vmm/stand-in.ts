import type { Duplex, Readable } from "node:stream";
import { Child, describeExit } from "./child.ts";

/** Bytes of arguments that a stand-in takes; longer ones are cut. */
const MAX_ARGUMENTS = 4096;

export interface StandInOptions {
  /** A process of the host whose network namespace it joins. */
  readonly networkOf: number;
  /** Its root directory: what /proc/PID/root leads to. */
  readonly root: string;
  /** As the guest numbers its users. */
  readonly uid: number;
  readonly argv: readonly string[];
  /** Somebody on the host signalled it: 1-64. */
  readonly onSignal: (signal: number) => void;
}

/**
 * A process of the host that stands for one in the guest, see stand-in.c: it has that one's arguments, user, root
 * directory and network namespace, so that its pid means to a client what a container's pid means. It ends with the shim.
 */
export class StandIn {
  readonly pid: number;
  readonly #child: Child;
  readonly #input: Duplex;
  #command: string;
  #ending = false;

  private constructor(child: Child, command: string, onSignal: StandInOptions["onSignal"]) {
    this.pid = child.pid;
    this.#child = child;
    this.#command = command;
    const [input, output] = child.stdio as unknown as [Duplex, Duplex];
    this.#input = input;
    // Its end is told by `exited`.
    for (const stream of [input, output]) stream.on("error", () => {});
    output.on("data", (signals: Buffer) => {
      // A zero says again that it is ready, with other arguments.
      for (const signal of signals) if (signal !== 0) onSignal(signal);
    });
    void child.exited.then(({ signal }) => {
      if (!this.#ending && signal === "SIGKILL") onSignal(9);
    });
  }

  /** `program`: path of microvm-stand-in. Resolves when it is what it stands for; rejects with why it cannot be. */
  static async spawn(program: string, { networkOf, root, uid, argv, onSignal }: StandInOptions): Promise<StandIn> {
    const command = joined(argv);
    const args = [`/proc/${networkOf}/ns/net`, root, `${uid}`, ...split(command)];
    const child = await Child.spawn([program, ...args], ["pipe", "pipe", "pipe"]);
    await ready(child);
    return new StandIn(child, command, onSignal);
  }

  /** What it stands for has other arguments now. */
  rename(argv: readonly string[]): void {
    const command = joined(argv);
    if (command === this.#command) return;
    this.#command = command;
    const bytes = Buffer.from(command);
    const header = Buffer.alloc(2);
    header.writeUInt16BE(bytes.length);
    this.#input.write(Buffer.concat([header, bytes]));
  }

  /** Ends it; nobody is told of that. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#child.kill();
  }
}

/** Takes its first byte, which is all that it writes before it is signalled. */
async function ready(child: Child): Promise<void> {
  const [, output, errors] = child.stdio as unknown as [Duplex, Readable, Readable];
  let said = "";
  errors.on("data", (chunk: Buffer) => {
    said = `${said}${chunk.toString("utf8")}`.slice(0, MAX_ARGUMENTS);
  });
  const first = new Promise<boolean>((resolve) => {
    output.once("readable", () => resolve(output.read(1) !== null));
  });
  const isReady = await Promise.race([first, child.exited.then(() => false)]);
  if (isReady) return;
  const exit = await child.kill();
  throw new Error(said.trim() || `microvm-stand-in ended with ${describeExit(exit)}`);
}

/** Each argument ended by a zero byte, which none may hold. At least one, and no more than a stand-in takes. */
function joined(argv: readonly string[]): string {
  const text = argv.map((argument) => argument.replaceAll("\0", "")).join("\0");
  return `${Buffer.from(text || "-")
    .subarray(0, MAX_ARGUMENTS - 1)
    .toString("utf8")}\0`;
}

function split(command: string): string[] {
  return command.slice(0, -1).split("\0");
}
