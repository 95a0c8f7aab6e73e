// Frames of the io port: see "Streams" in ../guest.md. Integers are big-endian:
//
//   0  length of the payload, u32     8  type, u8
//   4  stream, u32, never 0           9  three zero bytes

export const HEADER_LENGTH = 12;
/** The most payload of a frame, in bytes: with its header it fits in a virtio-console buffer of 32 KiB. */
export const MAX_PAYLOAD = 32752;
/** What a writer may send before it was granted more, in bytes. */
export const INITIAL_CREDIT = 262144;
export const MAX_CREDIT = 0x7fff_ffff;
export const MAX_STREAM = 0xffff_ffff;

export const FrameType = {
  /** From the writer: 1-32752 bytes. */
  Data: 1,
  /** From the writer, once: no more data follows. */
  Eof: 2,
  /** From the reader: this many more bytes may be sent. */
  Credit: 3,
  /** From the reader, once: it takes no more. */
  Gone: 4,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** The peer broke the protocol; nothing that it sends can be trusted any more. */
export class StreamViolation extends Error {
  override readonly name = "StreamViolation";
}

export function encodeHeader(type: FrameType, stream: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_LENGTH);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt32BE(stream, 4);
  bytes.writeUInt32BE(type * 0x100_0000, 8);
  return bytes;
}

/** A whole DATA frame, of 1-32752 bytes. */
export function encodeData(stream: number, payload: Uint8Array): Buffer {
  return Buffer.concat([encodeHeader(FrameType.Data, stream, payload.length), payload]);
}

export function encodeEof(stream: number): Buffer {
  return encodeHeader(FrameType.Eof, stream, 0);
}

/** Grants `bytes`, 1-2^31-1. */
export function encodeCredit(stream: number, bytes: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(bytes, 0);
  return Buffer.concat([encodeHeader(FrameType.Credit, stream, 4), payload]);
}

export function encodeGone(stream: number): Buffer {
  return encodeHeader(FrameType.Gone, stream, 0);
}
