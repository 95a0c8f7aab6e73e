import { readdirSync, readlinkSync } from "node:fs";

/** What this process has open that a pipe, a file or a fifo could be, for tests that nothing is left open. */
export function openDescriptors(): string[] {
  return readdirSync("/proc/self/fd")
    .flatMap((fd) => {
      try {
        return [`${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`];
      } catch {
        return []; // the listing's own
      }
    })
    .filter((line) => !/anon_inode|socket|\/proc\//.test(line));
}
