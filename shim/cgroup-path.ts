import { posix } from "node:path";

/**
 * The path, below the root of each hierarchy, of what linux.cgroupsPath names: a path, or systemd's
 * `slice:prefix:name`, which becomes the directory that systemd would give the scope. Undefined for none and for the
 * root itself, where nothing is placed. Throws an Error for a malformed one.
 */
export function cgroupPath(cgroupsPath: string | undefined): string | undefined {
  if (cgroupsPath === undefined || cgroupsPath === "") return undefined;
  if (cgroupsPath.length > 4096 || cgroupsPath.includes("\0")) throw new Error("linux.cgroupsPath is no path");
  const parts = cgroupsPath.split(":");
  const given = !cgroupsPath.startsWith("/") && parts.length === 3 ? scopePath(parts) : cgroupsPath;
  // Below a root no ".." leads out.
  const path = posix.normalize(`/${given}`).replace(/\/$/, "");
  return path === "" ? undefined : path;
}

function scopePath([slice = "", prefix = "", name = ""]: readonly string[]): string {
  for (const part of [slice, prefix, name]) {
    if (part.includes("/")) throw new Error(`linux.cgroupsPath: "${part}" has a slash, which no unit's name has`);
  }
  const unit = name.endsWith(".slice") ? name : `${prefix === "" ? "" : `${prefix}-`}${name}.scope`;
  return posix.join(slicePath(slice || "system.slice"), unit);
}

/** systemd nests slices by the dashes of their names: a-b.slice lies in a.slice. */
function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const words = slice.replace(/\.slice$/, "").split("-");
  if (!slice.endsWith(".slice") || words.includes("")) throw new Error(`linux.cgroupsPath: "${slice}" is no slice`);
  return words.map((_, index) => `${words.slice(0, index + 1).join("-")}.slice`).join("/");
}
