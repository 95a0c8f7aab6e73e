import { openSync } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { Child, describeExit, type Placement } from "./child.ts";
import { Tail } from "./tail.ts";

/** Descriptors of microvm-memory beside its standard ones. */
const FIRST_FD = 3;
const MIB = 1024 * 1024;

/** What microvm-memory says: its output's lines as they come, and what it complains of. */
class Answers {
  readonly #child: Child;
  readonly #lines: AsyncIterator<string>;
  readonly #complaint: Tail;

  constructor(child: Child) {
    this.#child = child;
    const [, output, errors] = child.stdio as unknown as [null, Readable, Readable];
    this.#lines = lines(output);
    this.#complaint = new Tail(errors);
  }

  /** The rest of the next line, which begins with `word`. Rejects with what went wrong. */
  async next(word: string): Promise<string> {
    const { value } = await this.#lines.next();
    if (typeof value === "string" && value.startsWith(`${word} `)) return value.slice(word.length + 1);
    const exit = await this.#child.kill();
    throw new Error(this.#complaint.text || `microvm-memory ended with ${describeExit(exit)}`);
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

/** The memory of a VM that is about to be restored, open as `fd` for the process that is to have it. */
export interface LoadedMemory {
  readonly fd: number;
  /** Resolves, when the template's memory is in it, to its checksum. Rejects with what went wrong. */
  readonly checksum: Promise<string>;
}

/**
 * Makes a memory of its own for a VM, which the template's is copied into; `program` is microvm-memory, `template` the
 * descriptor of the template's memory, undefined for an empty one. The caller closes `fd`.
 */
export async function loadMemory(
  program: string,
  memoryMib: number,
  template: number | undefined,
  placement: Placement,
): Promise<LoadedMemory> {
  const argv = [program, "load", `${memoryMib * MIB}`, ...(template === undefined ? [] : [`${FIRST_FD}`])];
  const child = await Child.spawn(argv, ["pipe", "pipe", "pipe", template ?? "ignore"]);
  const input = child.stdio[0] as Writable;
  // Its end is told by what it does not say.
  input.on("error", () => {});
  const placed = placement.add(child.pid);
  placed.catch(() => child.kill());
  const answers = new Answers(child);
  const fd = openSync(`/proc/${child.pid}/fd/${Number(await answers.next("FD"))}`, "r+");
  const checksum = placed.then(() => {
    input.end("\n");
    return answers.next("DONE");
  });
  // Who waits for it may come later.
  checksum.catch(() => {});
  return { fd, checksum };
}

/** Writes the memory of a VM that stands still, `from`, into the empty file `to`. Resolves to its checksum. */
export async function saveMemory(program: string, from: number, to: number): Promise<string> {
  const argv = [program, "save", `${FIRST_FD}`, `${FIRST_FD + 1}`];
  const child = await Child.spawn(argv, ["ignore", "pipe", "pipe", from, to]);
  return new Answers(child).next("DONE");
}
