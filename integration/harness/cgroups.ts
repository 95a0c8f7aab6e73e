/** The directories of all cgroup hierarchies, the first version's and the second's. */
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";

const base = "/sys/fs/cgroup";

export function cgroups(dir = base): string[] {
  const below = subdirectories(dir);
  return [...below, ...below.flatMap((path) => cgroups(path))];
}

/** The directory of that name directly below the root of each hierarchy. */
export function topCgroups(name: string): string[] {
  return [base, ...subdirectories(base)].flatMap(subdirectories).filter((path) => path.endsWith(`/${name}`));
}

function subdirectories(dir: string): string[] {
  return entries(dir)
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(dir, entry.name));
}

function entries(dir: string): Dirent[] {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch {
    return []; // Removed while we looked.
  }
}
