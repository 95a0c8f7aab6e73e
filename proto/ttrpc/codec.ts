/**
 * Writes and reads one type of message, as a class that pbjs generates does. `Fields` is its `$Properties`: what a
 * sender may leave out is optional.
 */
export interface Codec<Fields extends object> {
  encode(message: Fields): { finish(): Uint8Array };
  /** Throws if the bytes are not such a message. */
  decode(bytes: Uint8Array): object;
}

/**
 * A received message: proto3 gives every scalar a value, a message that was not sent is null, lists and maps are
 * empty. The values of absent fields come from the prototype, so `{...message}` loses them.
 */
export type Decoded<Fields> = {
  // Only fields admit null; the others are `$unknowns` and the names of oneofs.
  [K in keyof Fields as null extends Fields[K] ? K : never]-?: DecodedField<NonNullable<Fields[K]>>;
};

type Scalar = string | number | boolean | Uint8Array;

type DecodedField<V> = V extends Scalar
  ? V
  : V extends (infer Item)[]
    ? (Item extends Scalar ? Item : Decoded<Item>)[]
    : string extends keyof V
      ? V
      : Decoded<V> | null;

/** The bytes of a message. */
export function encode<Fields extends object>(codec: Codec<Fields>, message: Fields): Uint8Array {
  return codec.encode(message).finish();
}

/** The message in these bytes; throws if they are not such a message. Its bytes fields are views of `bytes`. */
export function decode<Fields extends object>(codec: Codec<Fields>, bytes: Uint8Array): Decoded<Fields> {
  return codec.decode(bytes) as Decoded<Fields>;
}
