import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { span } from "../proto/trace.ts";

const run = promisify(execFile);

export interface ToolOptions {
  /** Of the whole run, in milliseconds. */
  readonly timeoutMs: number;
  /** "/" if undefined. */
  readonly cwd?: string | undefined;
  /** For its standard input. */
  readonly input?: string | undefined;
  /** Exit statuses that are no failure; 0 if undefined. */
  readonly statuses?: readonly number[] | undefined;
}

interface Failure {
  /** The exit status, if the program ran to its end. */
  readonly code?: number | string;
  readonly stdout: string;
  readonly stderr?: string;
  readonly message: string;
}

/** Runs one of the system's tools to its end and gives what it printed. Rejects with the first line of what it said. */
export async function tool(program: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { timeoutMs, cwd = "/", input, statuses = [] } = options;
  const end = span([program, ...args].join(" ").slice(0, 100));
  const running = run(program, args, { cwd, timeout: timeoutMs });
  // It may end before it has read all.
  running.child.stdin?.on("error", () => {});
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr, code, message } = error as Failure;
    if (typeof code === "number" && statuses.includes(code)) return stdout;
    const said = (stderr ?? "").trim().split("\n")[0];
    throw new Error(said || message, { cause: error });
  } finally {
    end();
  }
}
