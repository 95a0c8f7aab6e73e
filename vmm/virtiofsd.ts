import { join } from "node:path";
import type { Readable } from "node:stream";
import { Child, confinedArgv, describeExit } from "./child.ts";
import { listenFor } from "./listening-socket.ts";
import type { Share } from "./qemu-args.ts";
import type { SharedDirectory } from "./shared-directories.ts";
import { Tail } from "./tail.ts";
import { virtiofsdArgs } from "./virtiofsd-args.ts";
import type { VmConfig } from "./vm-config.ts";

/** virtiofsd, for QEMU to connect to at `socketPath`. It serves one connection and ends with it. */
export interface Virtiofsd extends Share {
  readonly child: Child;
  /** Resolves when it has ended, with the reason in words; undefined for a good end. */
  readonly ended: Promise<string | undefined>;
}

/** Of virtiofsd, the socket that it inherits. */
const SOCKET_FD = 3;

let started = 0;

/** Starts one. QEMU may connect at once: it waits until virtiofsd is ready. Rejects if the program cannot be started. */
export async function startVirtiofsd(
  config: VmConfig,
  { tag, directory, cache }: SharedDirectory,
  log: (line: string) => void,
): Promise<Virtiofsd> {
  // One that is instead of another has a path of its own: the other may be about to end. QEMU runs as a user of its own,
  // and connecting takes the right to write.
  const socketPath = join(config.runDir, `${tag}${++started}.sock`);
  const socket = await listenFor(socketPath, config.uid);
  const confined = confinedArgv(config.virtiofsd, virtiofsdArgs(directory, SOCKET_FD, cache), {
    network: { kind: "host" },
  });
  const argv = [config.blocking, `${SOCKET_FD}`, ...confined];
  const child = await Child.spawn(argv, ["ignore", "ignore", "pipe", socket.fd]).finally(() => socket.close());
  const stderr = new Tail(child.stdio[2] as Readable, (line) => log(`virtiofsd: ${line}`));
  const ended = child.exited.then(async (exit) => {
    if (exit.code === 0) return undefined;
    // One that is killed may leave a child behind for a moment, which holds it open.
    if (exit.signal === null) await stderr.ended;
    const said = stderr.text === "" ? "" : `: ${stderr.text}`;
    return `virtiofsd ended with ${describeExit(exit)}${said} (${config.virtiofsd}; 1.11 or later, the Rust program, is needed)`;
  });
  return { tag, child, socketPath, ended };
}
