import type { BigIntStats } from "node:fs";

/** Devices that every kernel has, by "major:minor", and where the guest has them. */
const EVERYWHERE = new Map([
  ["1:3", "/dev/null"],
  ["1:5", "/dev/zero"],
  ["1:7", "/dev/full"],
  ["1:8", "/dev/random"],
  ["1:9", "/dev/urandom"],
  ["5:0", "/dev/tty"],
  ["10:200", "/dev/net/tun"],
  ["10:229", "/dev/fuse"],
]);

/** Path in the guest of the device that stands for one of the host's; undefined if the file is no such device. */
export function guestDevice(stats: BigIntStats): string | undefined {
  return stats.isCharacterDevice() ? EVERYWHERE.get(deviceNumber(stats.rdev)) : undefined;
}

/**
 * What a file is that only programs of the host can reach, for an error message; undefined if it is none.
 * A socket or fifo joins processes of one kernel, and a device belongs to one.
 */
export function hostOnly(stats: BigIntStats): string | undefined {
  if (stats.isSocket()) return "a unix socket";
  if (stats.isFIFO()) return "a fifo";
  if (stats.isBlockDevice()) return "a block device";
  if (stats.isCharacterDevice()) return "a device";
  return undefined;
}

/** As glibc's major() and minor() take a dev_t apart. */
function deviceNumber(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}
