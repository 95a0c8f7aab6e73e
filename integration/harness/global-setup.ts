/** Before the first test: what is missing is a failure that names the remedy, never a skipped test. */
import { accessSync } from "node:fs";
import { join } from "node:path";
import { buildDir, containerdDir, microvm, requireExecutable, runtime, shimBinary } from "./paths.ts";
import { prepareTemplates } from "./templates.ts";

export default function setup(): void {
  if (process.env.MICROVM_WORLD === undefined) {
    throw new Error("the tests compare the whole machine before and after: start them by integration/run.sh");
  }
  containerdDir("1.6");
  containerdDir("2.4");
  requireExecutable("/usr/bin/busybox", "install busybox-static ('make setup')");
  requireExecutable("/usr/sbin/runc", "install runc ('make setup')");
  if (runtime !== microvm) return;
  requireExecutable(shimBinary, "run 'make build'");
  for (const name of ["vmlinux", "initrd.img"]) requireBuilt(join(buildDir, name));
  prepareTemplates();
}

function requireBuilt(path: string): void {
  try {
    accessSync(path);
  } catch (cause) {
    throw new Error(`${path} is missing: run 'make build'`, { cause });
  }
}
