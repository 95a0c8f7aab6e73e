// What `start` reads and prints (containerd.runtime.bootstrap.v1, from containerd 2.3 on).
import { containerd } from "../gen/messages.js";
import { decode, encode } from "../ttrpc/codec.ts";
import type { Any } from "./any.ts";
import { decodeAny } from "./messages.ts";

const bootstrap = containerd.runtime.bootstrap.v1;

/** The standard input of `start`. */
export type StartInput =
  /** Nothing, from a client of containerd up to 2.2 that gave no options. */
  | { readonly kind: "empty" }
  /** The runtime's options, from containerd up to 2.2. */
  | { readonly kind: "options"; readonly options: Any }
  /** Everything, from containerd 2.3 on. */
  | { readonly kind: "bootstrap"; readonly params: BootstrapParams };

export interface BootstrapParams {
  readonly instanceId: string;
  readonly namespace: string;
  /** 0 is info, below is more verbose (debug -4), above is graver. */
  readonly logLevel: number;
  readonly containerdVersion: string;
  readonly containerdTtrpcAddress: string;
  readonly containerdGrpcAddress: string;
  readonly containerdBinary: string;
  /** Sections with a type of their own; the runtime's options are one. */
  readonly extensions: readonly Any[];
  /** Where the socket should be; undefined for the usual place. */
  readonly socketDir: string | undefined;
}

/**
 * Tells the two apart. An Any can be read as BootstrapParams, its fields 1 and 2 being a string and bytes; so the
 * bytes are that only if they name the instance and namespace which the flags `-id` and `-namespace` give. Throws if
 * they are neither.
 */
export function decodeStartInput(bytes: Uint8Array, flags: { id: string; namespace: string }): StartInput {
  if (bytes.length === 0) return { kind: "empty" };
  const params = tryParams(bytes);
  if (params?.instanceId === flags.id && params.namespace === flags.namespace) return { kind: "bootstrap", params };
  return { kind: "options", options: decodeAny(bytes) };
}

function tryParams(bytes: Uint8Array): BootstrapParams | undefined {
  try {
    const params = decode(bootstrap.BootstrapParams, bytes);
    // One by one, for absent fields are on the prototype.
    return {
      instanceId: params.instanceId,
      namespace: params.namespace,
      logLevel: params.logLevel,
      containerdVersion: params.containerdVersion,
      containerdTtrpcAddress: params.containerdTtrpcAddress,
      containerdGrpcAddress: params.containerdGrpcAddress,
      containerdBinary: params.containerdBinary,
      extensions: params.extensions.flatMap(({ value }) => value ?? []),
      socketDir: params.socketDir || undefined,
    };
  } catch {
    return undefined;
  }
}

/** What `start` prints in answer to BootstrapParams. Version and protocol come first, so no white space can end it. */
export function encodeBootstrapResult(result: { version: 2 | 3; address: string }): Uint8Array {
  return encode(bootstrap.BootstrapResult, { ...result, protocol: "ttrpc" });
}
