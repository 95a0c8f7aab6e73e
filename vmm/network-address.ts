import { isIPv4, isIPv6 } from "node:net";

/** An IP address in network byte order: 4 or 16 bytes. Throws for anything else. */
export function addressBytes(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split("."), Number);
  if (!isIPv6(text) || text.includes("%")) throw new Error(`"${text}" is no IP address`);
  // An IPv4 address may stand for the last two groups.
  const plain = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, a, b, c, d) =>
    [(a << 8) | b, (c << 8) | d].map((group) => group.toString(16)).join(":"),
  );
  const [head = "", tail] = plain.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":"));
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const zeros = Array<string>(8 - first.length - last.length).fill("0");
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  for (const [index, group] of [...first, ...zeros, ...last].entries())
    view.setUint16(index * 2, Number.parseInt(group, 16));
  return bytes;
}

/** A hardware address: 6 bytes. Throws for anything else. */
export function macBytes(text: string): Uint8Array {
  if (!/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)) throw new Error(`"${text}" is no Ethernet address`);
  return Uint8Array.from(text.split(":"), (byte) => Number.parseInt(byte, 16));
}

/** "10.4.0.0/24", or an address alone for all of its bits. Throws if it is neither. */
export function prefix(text: string): { address: Uint8Array; length: number } {
  const [host = "", bits] = text.split("/");
  const address = addressBytes(host);
  const length = bits === undefined ? address.length * 8 : Number(bits);
  if (!Number.isInteger(length) || length < 0 || length > address.length * 8) throw new Error(`"${text}" is no prefix`);
  return { address, length };
}
