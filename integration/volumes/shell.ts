/** A container with a shell that stays, to be asked while the host does something. */
import type { Command } from "../harness/command.ts";
import { IMAGE } from "../harness/image.ts";
import type { Lab } from "../harness/lab.ts";

export class Shell implements AsyncDisposable {
  readonly #command: Command;
  #count = 0;

  /** `flags` of `ctr run`. */
  constructor(lab: Lab, runtime: string, flags: readonly string[]) {
    const argv = ["run", "--rm", "--runtime", runtime, ...flags, IMAGE, lab.freshId(), "sh"];
    this.#command = lab.containerd.hold(argv, { keepStdin: true, limit: 110_000 });
  }

  /** What the script prints on both streams, and its exit status where that is not 0. */
  async ask(script: string): Promise<string> {
    const end = `<end ${++this.#count}>`;
    const before = this.#command.stdout.length;
    this.#command.stdin.write(`(${script}\n) < /dev/null 2>&1 || echo "status $?"; echo "${end}"\n`);
    await this.#command.printed(end);
    return this.#command.stdout.subarray(before).toString("latin1").split(end)[0] ?? "";
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#command.stdin.end();
    await this.#command.done;
  }
}
