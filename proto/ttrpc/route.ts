import { traced } from "../trace.ts";
import { Code } from "./code.ts";
import { type Decoded, decode, encode } from "./codec.ts";
import type { Method } from "./method.ts";
import { RpcError } from "./rpc-error.ts";

/** What a handler knows of its call besides the request. */
export interface CallContext {
  /** Aborted when the connection ends before the handler does. A client that gives a call up does not tell. */
  readonly signal: AbortSignal;
  /** How long the client will wait, in milliseconds; undefined if it set no limit. The server does not enforce it. */
  readonly timeoutMs: number | undefined;
  /** The client's metadata; of several values for a key, the last. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly service: string;
  readonly method: string;
}

/** Takes the bytes of a request and gives those of the response. What it throws becomes the status. */
export type Handler = (payload: Uint8Array, context: CallContext) => Promise<Uint8Array>;

/** Takes the bytes of a request and gives those of each message; its end, or what it throws, ends the stream. */
export type StreamHandler = (payload: Uint8Array, context: CallContext) => AsyncIterable<Uint8Array>;

/** A method and what carries it out. */
export type Route = { readonly service: string; readonly name: string } & (
  | { readonly kind: "unary"; readonly handle: Handler }
  | { readonly kind: "stream"; readonly handle: StreamHandler }
);

/** A route for a method with one request and one response. A request that cannot be read is InvalidArgument. */
export function unary<Req extends object, Res extends object>(
  m: Method<Req, Res>,
  handle: (request: Decoded<Req>, context: CallContext) => Promise<Res> | Res,
): Route {
  return {
    kind: "unary",
    service: m.service,
    name: m.name,
    handle: (payload, context) =>
      traced(m.name, async () => encode(m.response, await handle(decodePayload(m, payload), context))),
  };
}

/** A route for a method with one request and a stream of responses. */
export function serverStreaming<Req extends object, Res extends object>(
  m: Method<Req, Res>,
  handle: (request: Decoded<Req>, context: CallContext) => AsyncIterable<Res>,
): Route {
  return {
    kind: "stream",
    service: m.service,
    name: m.name,
    async *handle(payload, context) {
      for await (const message of handle(decodePayload(m, payload), context)) yield encode(m.response, message);
    },
  };
}

function decodePayload<Req extends object>(m: Method<Req, object>, payload: Uint8Array): Decoded<Req> {
  try {
    return decode(m.request, payload);
  } catch (cause) {
    const message = `unmarshal request of ${m.name}: ${RpcError.from(cause).message}`;
    throw new RpcError(Code.InvalidArgument, message, { cause });
  }
}

/** Finds the route of a request; the wording is that of Go's ttrpc, for containerd falls back to v2 on the code. */
export class RouteTable {
  readonly #services = new Map<string, Map<string, Route>>();

  constructor(routes: Iterable<Route>) {
    for (const route of routes) {
      const methods = this.#services.get(route.service) ?? new Map<string, Route>();
      this.#services.set(route.service, methods.set(route.name, route));
    }
  }

  /** Throws Unimplemented if there is no such service or method. */
  find(service: string, name: string): Route {
    const methods = this.#services.get(service);
    if (!methods) throw new RpcError(Code.Unimplemented, `service ${service}`);
    const route = methods.get(name);
    if (!route) throw new RpcError(Code.Unimplemented, `method ${name}`);
    return route;
  }
}
