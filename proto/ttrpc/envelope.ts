import { ttrpc } from "../gen/messages.js";
import { Code, codeOf } from "./code.ts";
import { type Codec, type Decoded, decode, encode } from "./codec.ts";
import { MAX_LENGTH } from "./frame.ts";
import { RpcError } from "./rpc-error.ts";

export type Request = Decoded<ttrpc.Request.$Properties>;

/** The data of a request frame. Throws ResourceExhausted if it is more than a frame may carry. */
export function encodeRequest(request: ttrpc.Request.$Properties): Uint8Array {
  return checkLength(encode(ttrpc.Request, request));
}

/** Throws InvalidArgument if the bytes are not a request. */
export function decodeRequest(bytes: Uint8Array): Request {
  try {
    return decode(ttrpc.Request, bytes);
  } catch (cause) {
    throw new RpcError(Code.InvalidArgument, `unmarshal request error: ${RpcError.from(cause).message}`, { cause });
  }
}

/** A response with a payload; success is told by leaving the status out, as Go does. */
export function encodeSuccess(payload: Uint8Array): Uint8Array {
  return checkLength(encode(ttrpc.Response, { payload }));
}

/** A response with a status and no payload: Go's client unmarshals the payload before it looks at the status. */
export function encodeFailure(error: RpcError): Uint8Array {
  // A client refuses what does not fit in a frame, and then would learn nothing at all.
  const message = error.message.slice(0, 64 << 10);
  return encode(ttrpc.Response, { status: { code: error.code, message } });
}

/** The payload of a response. Throws its status if that is not OK, Internal if the bytes are no response. */
export function decodeResponse(bytes: Uint8Array): Uint8Array {
  const { status, payload } = decodeOrInternal(ttrpc.Response, bytes);
  if (status && status.code !== Code.Ok) throw new RpcError(codeOf(status.code), status.message);
  return payload;
}

/** What a server sent, which must be readable: throws Internal if it is not. */
export function decodeOrInternal<Fields extends object>(codec: Codec<Fields>, bytes: Uint8Array): Decoded<Fields> {
  try {
    return decode(codec, bytes);
  } catch (cause) {
    throw new RpcError(Code.Internal, `unmarshal response error: ${RpcError.from(cause).message}`, { cause });
  }
}

function checkLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= MAX_LENGTH) return bytes;
  throw oversized(bytes.length);
}

/** The error that Go's ttrpc answers an oversized message with. */
export function oversized(length: number): RpcError {
  return new RpcError(Code.ResourceExhausted, `message length ${length} exceed maximum message size of ${MAX_LENGTH}`);
}
