import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { type MuxStream, StreamMux } from "../proto/stream/mux.ts";
import { socketPair } from "../proto/testing/socket-pair.ts";
import { Tunnel } from "./tunnel.ts";

const TARGET = { address: Uint8Array.of(127, 0, 0, 1), port: 80 };
const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

/** A tunnel: the client on the host, and the guest's ends of the two streams. */
async function tunnelled(): Promise<{ client: Socket; input: MuxStream; output: MuxStream }> {
  const ends = await socketPair();
  const [near, far] = [new StreamMux(ends[0]), new StreamMux(ends[1])];
  let number = 0;
  const opened: MuxStream[] = [];
  const tunnel = await Tunnel.dial(
    {
      streams: near,
      nextStream: () => ++number,
      dial: async ({ input, output }) => opened.push(far.open(input ?? 0), far.open(output ?? 0)),
    },
    TARGET,
  );
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [accepted] = (await once(server, "connection")) as [Socket];
  server.close();
  sockets.push(...ends, client, accepted);
  tunnel.join(accepted);
  const [input, output] = opened as [MuxStream, MuxStream];
  return { client, input, output };
}

async function readAll(stream: MuxStream): Promise<string> {
  let all = "";
  for (let bytes = await stream.read(); bytes !== undefined; bytes = await stream.read()) all += bytes;
  return all;
}

test("the end of one direction leaves the other open", async () => {
  const { client, input, output } = await tunnelled();
  client.end("question");
  expect(await readAll(input)).toBe("question");
  await output.write(Buffer.from("answer"));
  output.end();
  expect(await text(client)).toBe("answer");
});

test("the server may be the first to end", async () => {
  const { client, input, output } = await tunnelled();
  await output.write(Buffer.from("bye"));
  output.end();
  expect(await text(client)).toBe("bye");
  client.end("late");
  expect(await readAll(input)).toBe("late");
});

test("a reset of the server is one for the client, after what was sent before", async () => {
  const { client, input, output } = await tunnelled();
  client.on("error", () => {});
  await output.write(Buffer.from("last words"));
  let said = "";
  client.on("data", (bytes) => {
    said += bytes;
  });
  await once(client, "data");
  const failed = once(client, "error");
  input.abandon();
  output.end();
  expect((await failed)[0]).toMatchObject({ code: "ECONNRESET" });
  expect(said).toBe("last words");
});

test("a client that is gone ends both directions", async () => {
  const { client, input, output } = await tunnelled();
  client.resetAndDestroy();
  expect(await input.read()).toBeUndefined();
  await output.gone;
});

test("a guest that refuses is told to the caller", async () => {
  const ends = await socketPair();
  sockets.push(...ends);
  let number = 0;
  const dial = () => Promise.reject(new Error("refused"));
  const refused = Tunnel.dial({ streams: new StreamMux(ends[0]), nextStream: () => ++number, dial }, TARGET);
  await expect(refused).rejects.toThrow("refused");
});
