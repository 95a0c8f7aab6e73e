import type { Duplex } from "node:stream";
import { debugScope } from "../debug.ts";
import { span } from "../trace.ts";
import { Code } from "./code.ts";
import { type Decoded, encode } from "./codec.ts";
import { FrameDecoder, type Oversized } from "./decode.ts";
import { decodeOrInternal, decodeResponse, encodeRequest, oversized } from "./envelope.ts";
import { Flag, type Frame, FrameType, writeFrame } from "./frame.ts";
import type { Method } from "./method.ts";
import { RpcError } from "./rpc-error.ts";

const debug = debugScope("microvm-ttrpc");

export interface CallOptions {
  /** How long to wait for the answer, in milliseconds; also told to the server. */
  readonly timeoutMs?: number;
  /** Gives the call up; it rejects with Canceled, its cause the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Who waits on a stream: `onMessage` for each data frame, `settle` once, with the response's data or what failed. */
interface Waiter {
  onMessage(payload: Uint8Array): void;
  settle(outcome: Uint8Array | RpcError): void;
}

const NO_BYTES = new Uint8Array();
const LAST_STREAM_ID = 0xffff_ffff;
// A timer set for longer fires at once.
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Calls the methods of one server over a socket that it owns from now on. The socket may still be connecting. */
export class TtrpcClient {
  /** Resolves when the connection has ended, whoever ended it; every call has settled by then. Never rejects. */
  readonly closed: Promise<void>;
  readonly #socket: Duplex;
  readonly #decoder = new FrameDecoder();
  readonly #waiters = new Map<number, Waiter>();
  #nextStreamId = 1;
  #failure: Error | undefined;

  constructor(socket: Duplex) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#consume(chunk));
    socket.on("end", () => socket.destroy());
    socket.on("error", (error) => {
      debug("client: %s", error.message);
      this.#failure = error;
    });
    socket.once("close", () => {
      for (const waiter of [...this.#waiters.values()]) waiter.settle(this.#closedError());
      resolve();
    });
  }

  /** Ends the connection: calls under way reject with Unavailable. Legal at any time, twice too. */
  close(): void {
    this.#socket.destroy();
  }

  /**
   * Calls a method and gives its response. Rejects with RpcError: the server's status, DeadlineExceeded, Canceled, or
   * Unavailable if the connection ended first. The server is not told that a call was given up; a late answer is
   * ignored.
   */
  async call<Req extends object, Res extends object>(
    m: Method<Req, Res>,
    request: Req,
    options: CallOptions = {},
  ): Promise<Decoded<Res>> {
    const { timeoutMs, signal } = options;
    if (signal?.aborted) throw canceled(m, signal);
    const { promise, resolve, reject } = Promise.withResolvers<Uint8Array>();
    const onMessage = () => reject(new RpcError(Code.Internal, `ttrpc: ${m.name}: unexpected data message`));
    const settle = (outcome: Uint8Array | RpcError) =>
      outcome instanceof RpcError ? reject(outcome) : resolve(outcome);
    const end = span(`call ${m.name}`);
    const streamId = this.#send(m, request, 0, timeoutMs, { onMessage, settle });

    const onAbort = () => signal && reject(canceled(m, signal));
    const onTimeout = () => reject(new RpcError(Code.DeadlineExceeded, `${m.name}: no answer within ${timeoutMs} ms`));
    const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeout, Math.min(timeoutMs, MAX_TIMER_MS));
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return decodeOrInternal(m.response, decodeResponse(await promise));
    } finally {
      end();
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      this.#waiters.delete(streamId);
    }
  }

  /**
   * Calls a server-streaming method; `onMessage` sees each message in order. Resolves when the server ends the stream;
   * rejects with RpcError if it does so with a status, or with Unavailable if the connection ends. What `onMessage`
   * throws ends the subscription and is its rejection.
   */
  async subscribe<Req extends object, Res extends object>(
    m: Method<Req, Res>,
    request: Req,
    onMessage: (message: Decoded<Res>) => void,
  ): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let streamId = 0;
    const end = (settle: () => void) => {
      this.#waiters.delete(streamId);
      settle();
    };
    streamId = this.#send(m, request, Flag.RemoteClosed, undefined, {
      onMessage(payload) {
        try {
          onMessage(decodeOrInternal(m.response, payload));
        } catch (thrown) {
          end(() => reject(thrown));
        }
      },
      settle(outcome) {
        end(() => {
          if (outcome instanceof RpcError) return reject(outcome);
          try {
            decodeResponse(outcome);
            resolve();
          } catch (thrown) {
            reject(thrown);
          }
        });
      },
    });
    return promise;
  }

  #send<Req extends object>(
    m: Method<Req, object>,
    request: Req,
    flags: number,
    timeoutMs: number | undefined,
    waiter: Waiter,
  ): number {
    if (this.#socket.destroyed || this.#nextStreamId > LAST_STREAM_ID) throw this.#closedError();
    const payload = encodeRequest({
      service: m.service,
      method: m.name,
      payload: encode(m.request, request),
      timeoutNano: timeoutMs === undefined ? 0 : Math.round(timeoutMs * 1e6),
    });
    const streamId = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.#waiters.set(streamId, waiter);
    debug("client: stream %d: %s/%s", streamId, m.service, m.name);
    writeFrame(this.#socket, { streamId, type: FrameType.Request, flags, payload });
    return streamId;
  }

  #consume(chunk: Buffer): void {
    for (const frame of this.#decoder.consume(chunk)) this.#receive(frame);
  }

  #receive(frame: Frame | Oversized): void {
    const waiter = this.#waiters.get(frame.streamId);
    if (!waiter) {
      debug("client: stream %d: frame of an unknown or abandoned call ignored", frame.streamId);
      return;
    }
    if (!frame.payload) {
      waiter.settle(oversized(frame.length));
      return;
    }
    if (frame.type === FrameType.Response) {
      waiter.settle(frame.payload);
      return;
    }
    if (frame.type !== FrameType.Data) {
      debug("client: frame type %d ignored", frame.type);
      return;
    }
    if ((frame.flags & Flag.NoData) === 0) waiter.onMessage(frame.payload);
    // The end of a stream without a status; an empty response says the same.
    if ((frame.flags & Flag.RemoteClosed) !== 0) waiter.settle(NO_BYTES);
  }

  #closedError(): RpcError {
    return new RpcError(Code.Unavailable, "ttrpc: closed", { cause: this.#failure });
  }
}

function canceled(m: Method<object, object>, signal: AbortSignal): RpcError {
  return new RpcError(Code.Canceled, `${m.name}: canceled`, { cause: signal.reason });
}
