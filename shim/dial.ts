import { connect } from "node:net";
import { TtrpcClient } from "../proto/ttrpc/client.ts";

/** A client of the ttrpc server that listens at a path. Rejects if there is none. */
export function dial(path: string): Promise<TtrpcClient> {
  const socket = connect(path);
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.off("error", reject);
      resolve(new TtrpcClient(socket));
    });
  });
}
