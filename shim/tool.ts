import { execFile } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface ToolOptions {
  /** Of the whole run, in milliseconds. */
  readonly timeoutMs: number;
  /** "/" if undefined. */
  readonly cwd?: string | undefined;
  /** For its standard input. */
  readonly input?: string | undefined;
}

/** Runs one of the system's tools to its end and gives what it printed. Rejects with the first line of what it said. */
export async function tool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { timeoutMs, cwd = "/", input } = options;
  const running = run(program, args, { cwd, timeout: timeoutMs });
  // It may end before it has read all.
  running.child.stdin?.on("error", () => {});
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const said = (stderr ?? "").trim().split("\n")[0];
    throw new Error(said || message, { cause: error });
  }
}
