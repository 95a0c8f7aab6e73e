import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of something short, hexadecimal: for names, which every start needs before anything else. */
export function nameDigest(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** SHA-256 of contents, hexadecimal. */
export function contentDigest(...contents: readonly (string | Uint8Array)[]): string {
  const hash = nodeCrypto().createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

export function randomBytes(count: number): Buffer {
  return nodeCrypto().randomBytes(count);
}

/** Loaded when it is needed: that takes 4 ms, and neither `start` nor `delete` needs it. */
function nodeCrypto() {
  return process.getBuiltinModule("node:crypto");
}
