import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A mounted cgroup hierarchy: with version 1 there is one for each controller, or a few, with version 2 one for all. */
export interface Hierarchy {
  readonly version: 1 | 2;
  /** Where it is mounted. */
  readonly root: string;
  /** Names of its controllers, and with version 1 other mount options too. */
  readonly controllers: ReadonlySet<string>;
}

const USUAL_PLACE = "/sys/fs/cgroup";

/** The hierarchies that this mount namespace has, each once. */
export function findHierarchies(): Hierarchy[] {
  return parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8")).map((hierarchy) =>
    hierarchy.version === 1 ? hierarchy : { ...hierarchy, controllers: availableIn(hierarchy.root) },
  );
}

/** Pure; the controllers of version 2 are in no mount option. Format: proc_pid_mountinfo(5). */
export function parseMountinfo(text: string): Hierarchy[] {
  const found = new Map<string, Hierarchy>();
  for (const line of text.split("\n")) {
    const [mount = "", filesystem = ""] = line.split(" - ");
    const [, , device = "", , root = ""] = mount.split(" ");
    const [type, , options = ""] = filesystem.split(" ");
    if (type !== "cgroup" && type !== "cgroup2") continue;
    const known = found.get(device);
    // Mounted twice, the one at the usual place counts.
    if (known?.root.startsWith(USUAL_PLACE)) continue;
    found.set(device, {
      version: type === "cgroup" ? 1 : 2,
      root: unescapeOctal(root),
      controllers: new Set(type === "cgroup" ? options.split(",") : []),
    });
  }
  return [...found.values()];
}

function availableIn(root: string): Set<string> {
  try {
    return new Set(readFileSync(join(root, "cgroup.controllers"), "utf8").trim().split(" ").filter(Boolean));
  } catch {
    return new Set();
  }
}

function unescapeOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
