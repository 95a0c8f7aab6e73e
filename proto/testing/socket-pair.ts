import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Two ends of a connection over a unix socket, for tests. */
export async function socketPair(): Promise<[net.Socket, net.Socket]> {
  const folder = await mkdtemp(join(tmpdir(), "pair-"));
  const path = join(folder, "s");
  const server = net.createServer().listen(path);
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = net.connect(path);
  await once(client, "connect");
  const [served] = (await accepted) as [net.Socket];
  server.close();
  await rm(folder, { recursive: true });
  return [client, served];
}
