// Frames of ttrpc, as containerd/ttrpc's channel.go has them. Integers are big-endian:
//
//   0  length of the data, u32      8  type, u8
//   4  stream id, u32               9  flags, u8
import type { Writable } from "node:stream";

export const HEADER_LENGTH = 10;
/** The most data one frame may carry, in bytes; both sides refuse more. */
export const MAX_LENGTH = 4 << 20;

export const FrameType = { Request: 1, Response: 2, Data: 3 } as const;

export const Flag = {
  /** The sender sends no more on this stream. */
  RemoteClosed: 1,
  /** The sender will send data on this stream. */
  RemoteOpen: 2,
  /** A data frame that carries no message, not even an empty one. */
  NoData: 4,
} as const;

/** The header of a frame without its length. */
export interface FrameHead {
  readonly streamId: number;
  /** A FrameType, or a type that this version does not know. */
  readonly type: number;
  /** An or of Flag. */
  readonly flags: number;
}

export interface Frame extends FrameHead {
  readonly payload: Uint8Array;
}

// Below this size, copying beside the header is cheaper than handing two buffers to the kernel.
const COPY_LIMIT = 16 << 10;

/** Sends a frame in one write; false, as from `write`, while the socket has more to send than it wants to hold. */
export function writeFrame(socket: Writable, frame: Frame): boolean {
  if (frame.payload.length <= COPY_LIMIT) return socket.write(encodeFrame(frame));
  socket.cork();
  socket.write(encodeHeader(frame, HEADER_LENGTH));
  const room = socket.write(frame.payload);
  socket.uncork();
  return room;
}

/** The bytes of a frame. Its payload must not be longer than MAX_LENGTH. */
export function encodeFrame(frame: Frame): Buffer {
  const bytes = encodeHeader(frame, HEADER_LENGTH + frame.payload.length);
  bytes.set(frame.payload, HEADER_LENGTH);
  return bytes;
}

function encodeHeader({ streamId, type, flags, payload }: Frame, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32BE(payload.length, 0);
  bytes.writeUInt32BE(streamId, 4);
  bytes.writeUInt8(type, 8);
  bytes.writeUInt8(flags, 9);
  return bytes;
}
