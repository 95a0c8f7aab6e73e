import type { Duplex } from "node:stream";
import { type Route, RouteTable } from "./route.ts";
import { ServerConnection } from "./server-connection.ts";

export { type CallContext, type Handler, type Route, type StreamHandler, serverStreaming, unary } from "./route.ts";

/** Answers the calls of any number of connections. It never closes a connection on its own account. */
export class TtrpcServer {
  readonly #routes: RouteTable;
  readonly #connections = new Set<ServerConnection>();

  constructor(routes: Iterable<Route>) {
    this.#routes = new RouteTable(routes);
  }

  /** Takes over a connected socket until it ends. */
  serve(socket: Duplex): void {
    const connection = new ServerConnection(socket, this.#routes, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Destroys every connection, aborting the calls under way; answers that were not written yet are lost. */
  closeAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
