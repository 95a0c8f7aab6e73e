import { chownSync, existsSync, watch } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Child, confinedArgv, describeExit, type Placement } from "./child.ts";
import type { Share } from "./qemu-args.ts";
import type { SharedDirectory } from "./shared-directories.ts";
import { Tail } from "./tail.ts";
import { virtiofsdArgs } from "./virtiofsd-args.ts";
import type { VmConfig } from "./vm-config.ts";

/** virtiofsd, listening on `socketPath`. It serves one connection and ends with it. */
export interface Virtiofsd extends Share {
  readonly child: Child;
}

const READY_LIMIT_MS = 10_000;

let started = 0;

/** Resolves when QEMU may connect. Rejects if the program cannot be started, ends early or is not ready in time. */
export async function startVirtiofsd(
  config: VmConfig,
  { tag, directory, cache }: SharedDirectory,
  log: (line: string) => void,
  placement: Placement,
): Promise<Virtiofsd> {
  // One that is instead of another has a path of its own: the other may be about to end.
  const socketPath = join(config.runDir, `${tag}${++started}.sock`);
  // Watched before the start, so that the socket cannot appear unseen.
  const appeared = watchFor(config.runDir, socketPath);
  try {
    const argv = confinedArgv(config.virtiofsd, virtiofsdArgs(directory, socketPath, cache), {
      network: { kind: "host" },
    });
    const child = await Child.spawn(argv, ["ignore", "ignore", "pipe"]);
    placement.add(child.pid);
    const stderr = new Tail(child.stdio[2] as Readable, (line) => log(`virtiofsd: ${line}`));
    const early = child.exited.then((exit) => `ended with ${describeExit(exit)}: ${stderr.text}`);
    const outcome = await Promise.race([appeared.done, early]);
    if (outcome !== undefined) {
      await child.kill();
      throw new Error(`virtiofsd ${outcome} (${config.virtiofsd}; 1.11 or later, the Rust program, is needed)`);
    }
    placement.addChildren(child.pid);
    // QEMU runs as a user of its own, and connecting takes the right to write.
    chownSync(socketPath, config.uid, config.uid);
    return { tag, child, socketPath };
  } finally {
    appeared.stop();
  }
}

/** `done` resolves to undefined when the path exists, to a text when the limit has passed. */
function watchFor(directory: string, path: string): { done: Promise<string | undefined>; stop(): void } {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const timer = setTimeout(() => resolve(`was not ready within ${READY_LIMIT_MS / 1000} s`), READY_LIMIT_MS);
  const watcher = watch(directory, () => {
    if (existsSync(path)) resolve(undefined);
  });
  return {
    done: promise,
    stop() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}
