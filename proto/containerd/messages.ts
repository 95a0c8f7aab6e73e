// Messages that containerd and the shim exchange outside a call.
import { containerd, google, runtimeoptions } from "../gen/messages.js";
import { type Decoded, encode } from "../ttrpc/codec.ts";
import { type Any, unpackAny } from "./any.ts";

/** What `delete` prints. */
export function encodeDeleteResponse(response: containerd.task.v3.DeleteResponse.$Properties): Uint8Array {
  return encode(containerd.task.v3.DeleteResponse, response);
}

export type RuntimeInfo = containerd.types.RuntimeInfo.$Properties;

/** What `-info` prints. */
export function encodeRuntimeInfo(info: RuntimeInfo): Uint8Array {
  return encode(containerd.types.RuntimeInfo, info);
}

/** The Any on the standard input of `start` up to containerd 2.2, and of `-info`. Throws if the bytes are none. */
export function decodeAny(bytes: Uint8Array): Any {
  return google.protobuf.Any.decode(bytes);
}

/** What CRI and `ctr --runtime-config-path` send: `typeUrl`, `configPath` and `configBody`, which is TOML. */
export type RuntimeOptions = Decoded<runtimeoptions.v1.Options.$Properties>;
export type RuncOptions = Decoded<containerd.runc.v1.Options.$Properties>;

/** The options if they are runtimeoptions.v1.Options; undefined for another type. Throws if they cannot be read. */
export function unpackRuntimeOptions(options: Any): RuntimeOptions | undefined {
  return unpackAny(options, "runtimeoptions.v1.Options", runtimeoptions.v1.Options);
}

/** The options if they are containerd.runc.v1.Options; undefined for another type. Throws if they cannot be read. */
export function unpackRuncOptions(options: Any): RuncOptions | undefined {
  return unpackAny(options, "containerd.runc.v1.Options", containerd.runc.v1.Options);
}

/** The `info` of a process that an exec started, in the answer of Pids. */
export function processDetails(execId: string): Any {
  const { ProcessDetails } = containerd.runc.v1;
  return { type_url: "containerd.runc.v1.ProcessDetails", value: encode(ProcessDetails, { execId }) };
}
