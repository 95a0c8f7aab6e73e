import { closeSync, openSync, readSync } from "node:fs";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";

/** SHA-256 of something short, hexadecimal: for names, which every start needs before anything else. */
export function nameDigest(text: string): string {
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** SHA-256 of contents, hexadecimal. The first one loads node:crypto, which takes several milliseconds. */
export function contentDigest(...contents: readonly (string | Uint8Array)[]): string {
  const hash = nodeCrypto().createHash("sha256");
  for (const content of contents) hash.update(content);
  return hash.digest("hex");
}

export function randomBytes(count: number): Buffer {
  const bytes = Buffer.alloc(count);
  const fd = openSync("/dev/urandom", "r");
  try {
    if (readSync(fd, bytes) !== count) throw new Error("/dev/urandom gives too little");
  } finally {
    closeSync(fd);
  }
  return bytes;
}

/** Not imported: a start has no need of it. */
function nodeCrypto() {
  return process.getBuiltinModule("node:crypto");
}
