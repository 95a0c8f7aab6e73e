import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

/** The JSON object in a client's bytes; `what` names it for the client. Throws InvalidArgument if it is none. */
export function jsonObject(bytes: Uint8Array, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new RpcError(Code.InvalidArgument, `${what}: ${(error as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RpcError(Code.InvalidArgument, `${what}: no JSON object`);
  }
  return value;
}
