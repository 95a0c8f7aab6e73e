/** A command line client: the same ways to run it, whichever it is. */
import { Command, type CommandOptions, must, type Result, run } from "./command.ts";
import { type Size, Terminal } from "./terminal.ts";

export abstract class Client {
  abstract readonly env: NodeJS.ProcessEnv;

  /** The program, what it always needs, and these. */
  protected abstract argv(args: readonly string[]): [string, ...string[]];

  run(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    return run(this.argv(args), { env: this.env, ...options });
  }

  must(args: readonly string[], options: CommandOptions = {}): Promise<Result> {
    return must(this.argv(args), { env: this.env, ...options });
  }

  hold(args: readonly string[], options: CommandOptions = {}): Command {
    return new Command(this.argv(args), { env: this.env, ...options });
  }

  terminal(args: readonly string[], size?: Size): Terminal {
    return new Terminal(this.argv(args), this.env, size);
  }
}
