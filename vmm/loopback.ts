import { createServer, type Server, type Socket } from "node:net";
import type { Duplex, Readable } from "node:stream";
import { Child, describeExit } from "./child.ts";
import { addressBytes } from "./network-address.ts";
import { Tail } from "./tail.ts";

/** How long a process of the host may take to be connected when the guest has taken it: an instant, unless it gave up. */
const JOIN_LIMIT_MS = 10_000;

/** See loopback/loopback.h. */
const KEY_BYTES = 44;
const AF_INET = 2;
const AF_INET6 = 10;

/** Where a connection goes. */
export interface Target {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

/** The guest's end of a connection, which is there before the host's. */
export interface GuestEnd {
  /** Passes on what comes from either side. Takes the socket, which is paused and half-open when one side has ended. */
  join(socket: Socket): void;
  /** Nobody joins it. */
  drop(): void;
}

export interface LoopbackOptions {
  /** A process of the host in the VM's network namespace. */
  readonly networkOf: number;
  /** The user that the program becomes. */
  readonly uid: number;
  /** Whether the namespace is the VM's own, and its loopback is to be brought up. */
  readonly raise: boolean;
  /** Rejects if the guest refuses the connection. */
  readonly dial: (target: Target) => Promise<GuestEnd>;
}

/**
 * Joins connections that processes of the host make within the VM's network namespace, to 127.0.0.1, ::1 or an address
 * of its own, to whoever listens there in the guest; `kubectl port-forward` is one. By microvm-loopback, see
 * loopback/main.c. All of it ends with that program, and that one with the shim.
 */
export class Loopback {
  readonly #child: Child;
  readonly #dial: LoopbackOptions["dial"];
  readonly #servers: Server[] = [];
  /** Dialled and not joined yet, by the key of the connection. */
  readonly #waiting = new Map<string, { end: GuestEnd; timer: NodeJS.Timeout }>();
  #unread = Buffer.alloc(0);

  private constructor(child: Child, dial: LoopbackOptions["dial"]) {
    this.#child = child;
    this.#dial = dial;
    const [input, questions] = child.stdio as unknown as [Duplex, Readable];
    for (const stream of [input, questions]) stream.on("error", () => {});
    questions.on("data", (bytes: Buffer) => this.#consume(bytes));
    void child.exited.then(() => this.#close());
  }

  /** `program`: path of microvm-loopback. Resolves when connections are seen; rejects with why they cannot be. */
  static async spawn(program: string, { networkOf, uid, raise, dial }: LoopbackOptions): Promise<Loopback> {
    const args = [`/proc/${networkOf}/ns/net`, `${uid}`, raise ? "up" : "as-it-is"];
    const child = await Child.spawn([program, ...args], ["pipe", "pipe", "pipe", "ipc"]);
    const errors = new Tail(child.stdio[2] as Readable, () => {});
    const loopback = new Loopback(child, dial);
    const listening = new Promise<boolean>((resolve) => {
      child.onMessage((which, handle) => {
        loopback.#listen(handle);
        if (which === "last") resolve(true);
      });
    });
    if (!(await Promise.race([listening, child.exited.then(() => false)])))
      throw new Error(errors.text || `microvm-loopback ended with ${describeExit(await child.exited)}`);
    child.disconnect();
    return loopback;
  }

  /** Settles once, with how, when nothing is joined any more. */
  get ended(): Promise<string> {
    return this.#child.exited.then(describeExit);
  }

  /** Connections that are made stay. Legal in any state, twice too. */
  async close(): Promise<void> {
    await this.#child.kill();
  }

  #listen(handle: unknown): void {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => this.#accept(socket));
    server.on("error", () => {});
    server.listen(handle);
    this.#servers.push(server);
  }

  #accept(socket: Socket): void {
    socket.on("error", () => {});
    const end = this.#take(keyOf(socket));
    if (end === undefined) socket.resetAndDestroy();
    else end.join(socket);
  }

  #consume(bytes: Buffer): void {
    this.#unread = Buffer.concat([this.#unread, bytes]);
    for (; this.#unread.length >= KEY_BYTES; this.#unread = this.#unread.subarray(KEY_BYTES))
      void this.#answer(Buffer.from(this.#unread.subarray(0, KEY_BYTES)));
  }

  async #answer(key: Buffer): Promise<void> {
    const name = key.toString("hex");
    // Its first segment was lost and comes again.
    const accepted = this.#waiting.has(name) || (await this.#begin(key, name));
    const verdict = Buffer.alloc(4);
    verdict.writeUInt32LE(accepted ? 1 : 0);
    (this.#child.stdio[0] as Duplex).write(Buffer.concat([key, verdict]));
  }

  async #begin(key: Buffer, name: string): Promise<boolean> {
    const address = key.subarray(28, key.readUInt32LE(0) === AF_INET ? 32 : 44);
    try {
      const end = await this.#dial({ address, port: key.readUInt32LE(8) });
      const timer = setTimeout(() => this.#take(name)?.drop(), JOIN_LIMIT_MS).unref();
      this.#waiting.set(name, { end, timer });
      return true;
    } catch {
      return false;
    }
  }

  #take(name: string): GuestEnd | undefined {
    const waiting = this.#waiting.get(name);
    clearTimeout(waiting?.timer);
    this.#waiting.delete(name);
    return waiting?.end;
  }

  #close(): void {
    for (const server of this.#servers) server.close();
    for (const name of [...this.#waiting.keys()]) this.#take(name)?.drop();
  }
}

/** As microvm-loopback names the connection; empty for one that has ended already. */
function keyOf({ remoteFamily, remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  if (!remoteAddress || !localAddress || !remotePort || !localPort) return "";
  const key = Buffer.alloc(KEY_BYTES);
  key.writeUInt32LE(remoteFamily === "IPv4" ? AF_INET : AF_INET6, 0);
  key.writeUInt16BE(remotePort, 4);
  key.writeUInt32LE(localPort, 8);
  key.set(addressBytes(remoteAddress), 12);
  key.set(addressBytes(localAddress), 28);
  return key.toString("hex");
}
