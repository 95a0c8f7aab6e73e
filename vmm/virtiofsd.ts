import { unlinkSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Child, confinedArgv } from "./child.ts";
import { Tail } from "./tail.ts";
import { virtiofsdArgs } from "./virtiofsd-args.ts";
import type { VmConfig } from "./vm-config.ts";

/** virtiofsd, listening: QEMU may connect to `socketPath` at once. */
export interface Virtiofsd {
  readonly child: Child;
  readonly socketPath: string;
  readonly stderr: Tail;
}

/**
 * The socket is made here and handed over as a descriptor: it listens before virtiofsd runs, so QEMU need not wait.
 * Throws if the program cannot be started.
 */
export async function startVirtiofsd(config: VmConfig, log: (line: string) => void): Promise<Virtiofsd> {
  const socketPath = join(config.runDir, "virtiofs.sock");
  const server = await listen(socketPath);
  try {
    const argv = confinedArgv(config.virtiofsd, virtiofsdArgs(config.sharedDir, 3), { network: { kind: "host" } });
    const child = await Child.spawn(argv, ["ignore", "ignore", "pipe", descriptor(server)]);
    const stderr = new Tail(child.stdio[2] as Readable, (line) => log(`virtiofsd: ${line}`));
    return { child, socketPath, stderr };
  } finally {
    // Only the descriptor is closed: server.close() alone would unlink the path that QEMU is about to dial.
    closeKeepingPath(server);
  }
}

/** Removes what `startVirtiofsd` left on disk. Legal at any time. */
export function removeVirtiofsdSocket(config: VmConfig): void {
  try {
    unlinkSync(join(config.runDir, "virtiofs.sock"));
  } catch {
    // It was never made, or is gone with its directory.
  }
}

function listen(path: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}
