import type { Duplex } from "node:stream";
import { debugScope } from "../debug.ts";
import { monotonicMs } from "../monotonic.ts";
import { Code, codeName } from "./code.ts";
import { FrameDecoder, type Oversized } from "./decode.ts";
import { decodeRequest, encodeFailure, encodeSuccess, oversized, type Request } from "./envelope.ts";
import { Flag, type Frame, FrameType, MAX_LENGTH, writeFrame } from "./frame.ts";
import type { CallContext, Route, RouteTable } from "./route.ts";
import { RpcError } from "./rpc-error.ts";

const debug = debugScope("microvm-ttrpc");

// Reading stops while this much is being worked on. Many calls are legal, for each exec has a Wait that lasts as long
// as its process; the limits are there for a peer that sends without reading.
const MAX_CALLS = 4096;
const MAX_CALL_BYTES = 64 << 20;

/** One accepted connection: checks the stream ids, runs calls side by side and sends what becomes of them. */
export class ServerConnection {
  readonly #socket: Duplex;
  readonly #routes: RouteTable;
  readonly #decoder = new FrameDecoder();
  readonly #calls = new Map<number, AbortController>();
  #callBytes = 0;
  #lastStreamId = 0;
  #drained = Promise.withResolvers<void>();

  /** `onClose` is called once, when the socket is gone. */
  constructor(socket: Duplex, routes: RouteTable, onClose: () => void) {
    this.#socket = socket;
    this.#routes = routes;
    socket.on("data", (chunk: Buffer) => this.#consume(chunk));
    socket.on("drain", () => {
      this.#releaseStreams();
      this.#regulate();
    });
    // Go's server does the same: a client that sends no more has no more use for answers.
    socket.on("end", () => socket.destroy());
    socket.on("error", (error) => debug("server: %s", error.message));
    socket.once("close", () => {
      for (const call of this.#calls.values()) call.abort(new RpcError(Code.Canceled, "ttrpc: connection closed"));
      this.#releaseStreams();
      onClose();
    });
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #consume(chunk: Buffer): void {
    for (const frame of this.#decoder.consume(chunk)) {
      if (this.#socket.destroyed) return;
      this.#receive(frame);
    }
    this.#regulate();
  }

  /** Reads on only as fast as the peer takes answers and the handlers finish. */
  #regulate(): void {
    const busy = this.#calls.size >= MAX_CALLS || this.#callBytes >= MAX_CALL_BYTES || this.#socket.writableNeedDrain;
    if (busy === this.#socket.isPaused()) return;
    if (busy) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Lets the streams go on that wait for the peer to take what was sent. */
  #releaseStreams(): void {
    this.#drained.resolve();
    this.#drained = Promise.withResolvers<void>();
  }

  /** The order of the checks, and the wording, are those of Go's server.go. */
  #receive(frame: Frame | Oversized): void {
    const { streamId, type } = frame;
    if (!frame.payload) {
      this.#fail(streamId, oversized(frame.length));
      return;
    }
    if (streamId % 2 !== 1) {
      this.#refuse(streamId, "StreamID must be odd for client initiated streams");
      return;
    }
    if (type === FrameType.Data) {
      this.#receiveData(frame);
      return;
    }
    if (type !== FrameType.Request) {
      debug("server: stream %d: frame type %d ignored", streamId, type);
      return;
    }
    if (streamId <= this.#lastStreamId) {
      this.#refuse(streamId, "StreamID cannot be re-used and must increment");
      return;
    }
    this.#lastStreamId = streamId;
    void this.#run(streamId, frame.payload);
  }

  /** No method here takes more than its request: of a stream's data only the half-close means something. */
  #receiveData({ streamId, flags }: Frame): void {
    if (!this.#calls.has(streamId)) {
      this.#refuse(streamId, "StreamID is no longer active");
      return;
    }
    if ((flags & Flag.NoData) === 0) this.#refuse(streamId, "data handling error: the method takes one message");
  }

  /** Never rejects: whatever goes wrong is the answer. */
  async #run(streamId: number, payload: Uint8Array): Promise<void> {
    const started = monotonicMs();
    const call = new AbortController();
    this.#calls.set(streamId, call);
    this.#callBytes += payload.length;
    try {
      const request = decodeRequest(payload);
      debug("server: stream %d: %s/%s", streamId, request.service, request.method);
      const route = this.#routes.find(request.service, request.method);
      await this.#answer(streamId, route, request, call.signal);
    } catch (thrown) {
      this.#fail(streamId, RpcError.from(thrown));
    } finally {
      this.#calls.delete(streamId);
      this.#callBytes -= payload.length;
      debug("server: stream %d: done after %d ms", streamId, Math.round(monotonicMs() - started));
      this.#regulate();
    }
  }

  async #answer(streamId: number, route: Route, request: Request, signal: AbortSignal): Promise<void> {
    const context = callContext(request, signal);
    if (route.kind === "unary") {
      const payload = encodeSuccess(await route.handle(request.payload, context));
      this.#send({ streamId, type: FrameType.Response, flags: 0, payload });
      return;
    }
    for await (const payload of route.handle(request.payload, context)) {
      if (payload.length > MAX_LENGTH) throw oversized(payload.length);
      this.#send({ streamId, type: FrameType.Data, flags: 0, payload });
      if (this.#socket.writableNeedDrain) await this.#drained.promise;
      if (signal.aborted) return;
    }
    const flags = Flag.RemoteClosed | Flag.NoData;
    this.#send({ streamId, type: FrameType.Data, flags, payload: new Uint8Array() });
  }

  #refuse(streamId: number, message: string): void {
    this.#fail(streamId, new RpcError(Code.InvalidArgument, message));
  }

  #fail(streamId: number, error: RpcError): void {
    debug("server: stream %d: %s: %s", streamId, codeName(error.code), error.message);
    this.#send({ streamId, type: FrameType.Response, flags: 0, payload: encodeFailure(error) });
  }

  #send(frame: Frame): void {
    if (!this.#socket.destroyed) writeFrame(this.#socket, frame);
  }
}

function callContext(request: Request, signal: AbortSignal): CallContext {
  return {
    signal,
    timeoutMs: request.timeoutNano === 0 ? undefined : request.timeoutNano / 1e6,
    metadata: new Map(request.metadata.map(({ key, value }) => [key, value])),
    service: request.service,
    method: request.method,
  };
}
