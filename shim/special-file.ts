import type { BigIntStats } from "node:fs";

/** Devices that mean the same in every kernel, by "major:minor": what a container opens is then the guest's. */
const EVERYWHERE = new Set(["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:2", "10:200", "10:229"]);

/**
 * What a file is that only programs of the host can reach, for an error message; undefined if the guest can use it.
 * A socket or fifo joins processes of one kernel, and a device belongs to one.
 */
export function hostOnly(stats: BigIntStats): string | undefined {
  if (stats.isSocket()) return "a unix socket";
  if (stats.isFIFO()) return "a fifo";
  if (stats.isBlockDevice()) return "a block device";
  if (stats.isCharacterDevice() && !EVERYWHERE.has(deviceNumber(stats.rdev))) return "a device";
  return undefined;
}

/** As glibc's major() and minor() take a dev_t apart. */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}
