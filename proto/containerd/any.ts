import type { google } from "../gen/messages.js";
import { type Codec, type Decoded, decode, encode } from "../ttrpc/codec.ts";

/** A google.protobuf.Any: `type_url`, so spelled, and the `value`'s bytes. */
export type Any = Decoded<google.protobuf.Any.$Properties>;

/** Packs a message under a type URL as it stands: containerd's are bare, `containerd.events.TaskExit`. */
export function packAny<Fields extends object>(typeUrl: string, codec: Codec<Fields>, message: Fields): Any {
  return { type_url: typeUrl, value: encode(codec, message) };
}

/** Packs a value as JSON, as containerd's typeurl does for types that are not protobuf. */
export function packJson(typeUrl: string, value: unknown): Any {
  return { type_url: typeUrl, value: Buffer.from(JSON.stringify(value)) };
}

/**
 * The message if it is of this type, with or without a host in front of the name; undefined if it is of another.
 * Throws if the bytes are not such a message.
 */
export function unpackAny<Fields extends object>(
  any: Any,
  typeUrl: string,
  codec: Codec<Fields>,
): Decoded<Fields> | undefined {
  const name = any.type_url.slice(any.type_url.lastIndexOf("/") + 1);
  return name === typeUrl ? decode(codec, any.value) : undefined;
}
