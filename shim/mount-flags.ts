/** What a bind mount keeps of the mount that it comes from. */
import { closeSync, openSync, readFileSync } from "node:fs";

/** Of open(2); it does not touch what is there. */
const O_PATH = 0o10000000;

/** Flags that a guest has to know: the others (times, synchronous writing) hold on the host, whoever mounts it again. */
const KEPT = new Set(["ro", "nosuid", "nodev", "noexec"]);

/** Options that make a runtime set all flags of a bind mount anew, so that none of the source's is left. */
const SETTING = new Set([
  ...["ro", "nosuid", "nodev", "noexec", "sync", "dirsync", "mand", "iversion", "silent", "nosymfollow"],
  ...["noatime", "nodiratime", "relatime", "strictatime"],
]);

/** The flags that a bind mount with these options has of the mount it comes from, as options. Pure. */
export function keptFlags(options: readonly string[], source: readonly string[]): string[] {
  return options.some((option) => SETTING.has(option)) ? [] : source.filter((option) => KEPT.has(option));
}

/** The options of the very mount that `path` leads to. Throws what opening it throws. */
export function mountOptions(path: string): string[] {
  const fd = openSync(path, O_PATH);
  try {
    const [, id] = /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1")) ?? [];
    return optionsOf(readFileSync("/proc/self/mountinfo", "latin1"), id ?? "");
  } finally {
    closeSync(fd);
  }
}

/** Of a mount by its id, from the text of proc_pid_mountinfo(5); none for one that is not there. */
export function optionsOf(mountinfo: string, id: string): string[] {
  const line = mountinfo.split("\n").find((each) => each.startsWith(`${id} `));
  return line?.split(" ")[5]?.split(",") ?? [];
}
