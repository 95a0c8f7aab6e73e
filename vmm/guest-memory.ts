import { closeSync, openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { Child, describeExit, type Placement } from "./child.ts";
import { Tail } from "./tail.ts";

/** Descriptors of microvm-memory beside its standard ones. */
const FIRST_FD = 3;
const MIB = 1024 * 1024;

/** What microvm-memory says: its output's lines as they come, and what it complains of. */
class Helper {
  readonly #child: Child;
  readonly #lines: AsyncIterator<string>;
  readonly #complaint: Tail;

  constructor(child: Child) {
    this.#child = child;
    const [input, output, errors] = child.stdio as unknown as [Writable | null, Readable, Readable];
    // Its end is told by what it does not say.
    input?.on("error", () => {});
    this.#lines = lines(output);
    this.#complaint = new Tail(errors);
  }

  static async spawn(argv: readonly string[], input: "pipe" | "ignore", fds: readonly (number | "ignore")[]) {
    return new Helper(await Child.spawn(argv, [input, "pipe", "pipe", ...fds]));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** The rest of the next line, which begins with `word`. Rejects with what went wrong. */
  async next(word: string): Promise<string> {
    const { value } = await this.#lines.next();
    if (typeof value === "string" && value.startsWith(`${word} `)) return value.slice(word.length + 1);
    const exit = await this.#child.kill();
    throw new Error(this.#complaint.text || `microvm-memory ended with ${describeExit(exit)}`);
  }

  goOn(): void {
    (this.#child.stdio[0] as Writable).end("\n");
  }

  kill(): void {
    void this.#child.kill();
  }
}

async function* lines(stream: Readable): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of stream) {
    const pieces = `${rest}${chunk}`.split("\n");
    rest = pieces.pop() ?? "";
    yield* pieces;
  }
  return undefined;
}

/** CRC-32C of a template's two files, as microvm-memory tells them. */
export interface Checksums {
  readonly memory: string;
  readonly state: string;
}

/** What a template consists of, open for reading. */
export interface TemplateFiles {
  readonly memory: number;
  readonly state: number;
}

/**
 * The memory of a VM, in a file of its own that has no name; a template's may be copied into it. It is begun as early as
 * possible: the helper that makes it takes a while to start.
 */
export class GuestMemory {
  /** Open for the process that is to have it, until `close`. Rejects if it cannot be made. */
  readonly fd: Promise<number>;
  readonly #helper: Promise<Helper>;
  #closed = false;

  /** `program` is microvm-memory. */
  constructor(program: string, memoryMib: number, template?: TemplateFiles) {
    const argv = [program, "load", `${memoryMib * MIB}`, ...(template ? [`${FIRST_FD}`, `${FIRST_FD + 1}`] : [])];
    this.#helper = Helper.spawn(argv, "pipe", template ? [template.memory, template.state] : []);
    this.fd = this.#open();
    // Who waits for it may come later.
    this.fd.catch(() => {});
  }

  /** Copies the template into it, once, in the place where the VM is. Rejects with what went wrong. */
  async load(placement: Placement): Promise<Checksums> {
    const helper = await this.#helper;
    await this.fd;
    try {
      await placement.add(helper.pid);
    } catch (error) {
      helper.kill();
      throw error;
    }
    helper.goOn();
    return checksums(await helper.next("DONE"));
  }

  /** Whoever has inherited it has it still. A copy that is under way goes on. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    void this.fd.then(closeSync, () => {});
  }

  /** Nobody is going to have it. */
  abandon(): void {
    this.close();
    void this.#helper.then(
      (helper) => helper.kill(),
      () => {},
    );
  }

  async #open(): Promise<number> {
    const helper = await this.#helper;
    return openSync(`/proc/${helper.pid}/fd/${Number(await helper.next("FD"))}`, "r+");
  }
}

/**
 * Writes the memory of a VM that stands still, `memory`, into the empty file `to`. Resolves to its checksum, and to that of
 * the VM's state, which has been saved in the file `state`.
 */
export async function saveMemory(program: string, { memory, state }: TemplateFiles, to: number): Promise<Checksums> {
  const fds = [memory, to, state];
  const argv = [program, "save", ...fds.map((_, index) => `${FIRST_FD + index}`)];
  return checksums(await (await Helper.spawn(argv, "ignore", fds)).next("DONE"));
}

function checksums(line: string): Checksums {
  const [memory = "", state = ""] = line.split(" ");
  return { memory, state };
}
