import { chownSync, renameSync } from "node:fs";
import { createServer, type Server } from "node:net";

/** A socket that listens, for a child to inherit. */
export interface ListeningSocket {
  readonly fd: number;
  /** Forgets it here; who has inherited it has it still, and the path stays. */
  close(): void;
}

/**
 * Makes a unix socket at `path`, of `uid`, for a server that is about to start: who connects before that waits in the
 * kernel. Nobody must connect before `close`, for it would be us who accepts.
 */
export async function listenFor(path: string, uid: number): Promise<ListeningSocket> {
  // What it is bound as is removed with it.
  const bound = `${path}.new`;
  const server = await listen(bound);
  chownSync(bound, uid, uid);
  renameSync(bound, path);
  return { fd: descriptor(server), close: () => void server.close() };
}

/** Rejects if it cannot, with EADDRINUSE where there is something already. */
export function listen(path: string): Promise<Server> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(path, () => resolve(server));
  });
}

/** Node has no public name for the descriptor of a server, and only a descriptor can be inherited. */
function descriptor(server: Server): number {
  const fd = (server as unknown as { _handle: { fd: number } })._handle?.fd;
  if (typeof fd !== "number" || fd < 0) throw new Error("the listening socket has no descriptor");
  return fd;
}
