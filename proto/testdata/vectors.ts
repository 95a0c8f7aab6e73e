import { readFileSync } from "node:fs";

/** The examples in a `.vectors` file beside this one, by name. See ../guest.md for the format. */
export function readVectors(file: string): Map<string, Buffer> {
  const vectors = new Map<string, Buffer>();
  for (const line of readFileSync(new URL(file, import.meta.url), "utf8").split("\n")) {
    const [name, ...hex] = line.replace(/#.*/, "").trim().split(/\s+/);
    if (name) vectors.set(name, Buffer.from(hex.join(""), "hex"));
  }
  return vectors;
}

/** The example of this name. Throws if there is none, so that a test cannot pass on nothing. */
export function vector(vectors: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const bytes = vectors.get(name);
  if (!bytes) throw new Error(`no vector ${name}`);
  return bytes;
}
