/** A client in a real terminal: what is typed, what the screen gets, and how it ends. */
import { type IPty, spawn } from "@lydell/node-pty";
import { within } from "./deadline.ts";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export class Terminal {
  /** The client's exit status. */
  readonly ended: Promise<number>;
  readonly #pty: IPty;
  readonly #argv: readonly string[];
  #output = Buffer.alloc(0);
  #read = 0;
  #grown = Promise.withResolvers<void>();

  constructor(argv: readonly [string, ...string[]], env: NodeJS.ProcessEnv, size: Size = { columns: 100, rows: 40 }) {
    const [program, ...args] = argv;
    this.#argv = argv;
    this.#pty = spawn(program, args, { cols: size.columns, rows: size.rows, name: "xterm", encoding: null, env });
    // With no encoding the data are bytes, whatever the type says.
    this.#pty.onData((data: unknown) => this.#grow(data as Buffer));
    this.ended = new Promise((resolve) => this.#pty.onExit(({ exitCode }) => resolve(exitCode)));
  }

  /** Everything that was printed. */
  get output(): Buffer {
    return this.#output;
  }

  type(text: string | Buffer): void {
    this.#pty.write(text as string);
  }

  /**
   * Gives the window this size until the program, by what it prints, shows that it knows; returns as `prints`. Again
   * and again: the clients tell the first size, and only then listen for changes, so that one between the two is lost.
   */
  async resize({ columns, rows }: Size, shown: string): Promise<string> {
    const tell = () => {
      // A size that is the old one is not told.
      this.#pty.resize(columns + 1, rows);
      this.#pty.resize(columns, rows);
    };
    tell();
    const again = setInterval(tell, 200);
    return this.prints(shown).finally(() => clearInterval(again));
  }

  /** Waits until this has been printed after what was waited for before; returns all that came until then. */
  async prints(text: string | Buffer, limit = 30_000): Promise<string> {
    const find = async () => {
      for (;;) {
        const at = this.#output.indexOf(text, this.#read);
        if (at >= 0) {
          const begin = this.#read;
          this.#read = at + Buffer.byteLength(text);
          return this.#output.subarray(begin, this.#read).toString("latin1");
        }
        await this.#grown.promise;
      }
    };
    return within(limit, `${this.#argv.join(" ")} prints ${JSON.stringify(text.toString())}`, find()).catch((error) => {
      throw new Error(`${error.message}; so far: ${JSON.stringify(this.#output.toString().slice(-1000))}`);
    });
  }

  async end(limit = 30_000): Promise<number> {
    try {
      return await within(limit, `end of ${this.#argv.join(" ")}`, this.ended);
    } catch (error) {
      this.#pty.kill("SIGKILL");
      throw new Error(`${(error as Error).message}; so far: ${JSON.stringify(this.#output.toString().slice(-1000))}`);
    }
  }

  #grow(bytes: Buffer): void {
    this.#output = Buffer.concat([this.#output, bytes]);
    this.#grown.resolve();
    this.#grown = Promise.withResolvers<void>();
  }
}
