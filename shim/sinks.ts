import { fifoSink } from "./fifo.ts";
import { LogBinary, type LoggerContext } from "./log-binary.ts";
import { fileSinks } from "./log-file.ts";
import type { Sink } from "./sink.ts";
import type { Target } from "./stdio-uri.ts";

export interface SinkContext extends LoggerContext {
  /** Tells whoever reads the shim's log. */
  readonly warn: (message: string) => void;
}

export interface Sinks {
  readonly stdout: Sink | undefined;
  readonly stderr: Sink | undefined;
  readonly loggers: readonly LogBinary[];
}

/** Opens what the targets name; two that name the same file or program share it. Rejects with nothing left open. */
export async function openSinks(
  stdout: Target | undefined,
  stderr: Target | undefined,
  context: SinkContext,
): Promise<Sinks> {
  await using undo = new AsyncDisposableStack();
  const loggers: LogBinary[] = [];
  const open = async (target: Target, count: number): Promise<Sink[]> => {
    if (target.scheme === "fifo") return [fifoSink(target.path)];
    if (target.scheme === "file") return fileSinks(target.path, count, context.warn);
    const logger = await LogBinary.start(target, context);
    undo.defer(() => logger.end());
    loggers.push(logger);
    return [logger.stdout, logger.stderr];
  };
  const opened = async (target: Target, count: number): Promise<Sink[]> => {
    const sinks = await open(target, count);
    for (const sink of sinks) undo.defer(() => sink.destroy());
    return sinks;
  };

  const shared = stdout !== undefined && stdout.scheme !== "fifo" && sameTarget(stdout, stderr);
  const [first, second] = stdout ? await opened(stdout, shared ? 2 : 1) : [];
  let third: Sink | undefined;
  if (stderr && !shared) {
    const [asFirst, asSecond] = await opened(stderr, 1);
    third = stderr.scheme === "binary" ? asSecond : asFirst;
  }
  undo.move();
  return { stdout: first, stderr: shared ? second : third, loggers };
}

function sameTarget(one: Target, other: Target | undefined): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
