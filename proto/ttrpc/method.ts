import type { Codec } from "./codec.ts";

export type { Codec, Decoded } from "./codec.ts";

/** One method of a service: its name on the wire and the messages it takes and gives. */
export interface Method<Req extends object, Res extends object> {
  /** The full name, `containerd.task.v3.Task`. */
  readonly service: string;
  /** The bare name, `Create`. */
  readonly name: string;
  readonly request: Codec<Req>;
  readonly response: Codec<Res>;
}

export function method<Req extends object, Res extends object>(
  service: string,
  name: string,
  request: Codec<Req>,
  response: Codec<Res>,
): Method<Req, Res> {
  return { service, name, request, response };
}
