/** Before the first test: what is missing is a failure that names the remedy, never a skipped test. */
import { execFileSync } from "node:child_process";
import { accessSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDir, containerdDir, microvm, requireExecutable, runtime, shimBinary, templates } from "./paths.ts";

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
  if (templates === "prepared") prepareTemplates();
}

/** Of VMs as the tests have them that say nothing of it. */
function prepareTemplates(): void {
  const config = join(tmpdir(), "empty.toml");
  writeFileSync(config, "");
  const env = { ...process.env, MICROVM_CONFIG: config };
  execFileSync(shimBinary, ["template"], { stdio: ["ignore", "inherit", "inherit"], env });
  rmSync(config);
}

function requireBuilt(path: string): void {
  try {
    accessSync(path);
  } catch (cause) {
    throw new Error(`${path} is missing: run 'make build'`, { cause });
  }
}
