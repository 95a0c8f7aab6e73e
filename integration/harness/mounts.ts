/** The mounts of this mount namespace. */
import { readFileSync } from "node:fs";

export interface Mount {
  point: string;
  type: string;
}

/** In the order of mounting. */
export function mounts(): Mount[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trimEnd().split("\n");
  return lines.map((line) => {
    const [before = "", after = ""] = line.split(" - ");
    return { point: before.split(" ")[4] ?? "", type: after.split(" ")[0] ?? "" };
  });
}

/** Mount points below the directory, the last mounted first. */
export function mountsBelow(dir: string): string[] {
  return mounts()
    .map(({ point }) => point)
    .filter((point) => point.startsWith(`${dir}/`))
    .reverse();
}
