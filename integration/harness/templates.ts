/** VMs of the usual kind have a template before the first of them starts. */
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { shimBinary, templates } from "./paths.ts";

/** Of VMs as tests have them that say nothing of it; nothing if they are all to boot. */
export function prepareTemplates(): void {
  if (templates !== "prepared") return;
  const config = join(tmpdir(), "empty.toml");
  writeFileSync(config, "");
  const env = { ...process.env, MICROVM_CONFIG: config };
  try {
    execFileSync(shimBinary, ["template"], { stdio: ["ignore", "inherit", "inherit"], env });
  } finally {
    rmSync(config);
  }
}
