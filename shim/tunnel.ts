import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { DialRequest } from "../proto/guest/methods.ts";
import type { MuxStream, StreamMux } from "../proto/stream/mux.ts";
import type { GuestEnd, Target } from "../vmm/loopback.ts";

/** The VM, as a tunnel needs it. */
export interface TunnelGuest {
  readonly streams: StreamMux;
  nextStream(): number;
  /** Asks guest-init for the connection. */
  dial(request: DialRequest): Promise<unknown>;
}

/** A connection to a port of the guest, carried by two streams. */
export class Tunnel implements GuestEnd {
  readonly #input: MuxStream;
  readonly #output: MuxStream;
  /** The host has sent all that it has to send. */
  #ended = false;
  /** The guest takes no more of it. */
  #reset = false;

  private constructor(input: MuxStream, output: MuxStream) {
    this.#input = input;
    this.#output = output;
  }

  /** Rejects if nobody listens there. There is no limit of time but the guest's own. */
  static async dial(vm: TunnelGuest, { address, port }: Target): Promise<Tunnel> {
    const [input, output] = [vm.streams.open(vm.nextStream()), vm.streams.open(vm.nextStream())];
    const tunnel = new Tunnel(input, output);
    await vm.dial({ address, port, input: input.id, output: output.id }).catch((error: unknown) => {
      tunnel.drop();
      throw error;
    });
    return tunnel;
  }

  join(socket: Socket): void {
    socket.once("close", () => this.drop());
    const done = this.#toHost(socket);
    void this.#toGuest(socket);
    void this.#input.gone.then(async () => {
      if (this.#ended) return;
      // The other end is closed, or was reset. What it sent before comes first.
      this.#reset = true;
      await done;
      socket.resetAndDestroy();
    });
  }

  drop(): void {
    this.#ended = true;
    this.#input.end();
    this.#output.abandon();
  }

  async #toGuest(socket: Socket): Promise<void> {
    try {
      // The other direction goes on when this one has ended.
      for await (const chunk of socket.iterator({ destroyOnReturn: false })) await this.#input.write(chunk as Buffer);
    } catch {
      // The socket tells by "close".
    }
    this.#ended = true;
    this.#input.end();
  }

  async #toHost(socket: Socket): Promise<void> {
    try {
      for (let bytes = await this.#output.read(); bytes !== undefined; bytes = await this.#output.read())
        await written(socket, bytes);
      // A reset is told by both streams, one right after the other.
      await setImmediate();
      if (!this.#reset) socket.end();
    } catch {
      this.#output.abandon();
    }
  }
}

function written(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
