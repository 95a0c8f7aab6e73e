/** Where the things under test are, and which remedy to name where one is missing. */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

export const repository = join(import.meta.dirname, "../..");
export const buildDir = join(repository, "build");
export const shimBinary = join(buildDir, "containerd-shim-microvm-v2");

export const microvm = "io.containerd.microvm.v2";
export const runc = "io.containerd.runc.v2";
/** The runtime under test. RUNTIME=io.containerd.runc.v2 tries the tests themselves against runc. */
export const runtime = process.env.RUNTIME ?? microvm;

/** What the tests say of templates in the configuration. TEMPLATES=off tries them all with VMs that boot. */
export const templates = process.env.TEMPLATES ?? "prepared";

/** In the ids of this run's containers: cgroups are the whole machine's, and another run may be there. */
export const runToken = randomBytes(3).toString("hex");

export type ContainerdVersion = "1.6" | "2.4";

/** Throws an error that names the remedy if the file is not there or not executable. */
export function requireExecutable(path: string, remedy: string): string {
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch (cause) {
    throw new Error(`${path} is missing: ${remedy}`, { cause });
  }
}

/** The directory with the containerd and the ctr of that version. */
export function containerdDir(version: ContainerdVersion): string {
  const dir = version === "1.6" ? "/usr/bin" : (process.env.MICROVM_CONTAINERD_24 ?? build("containerd"));
  for (const name of ["containerd", "ctr"]) requireExecutable(join(dir, name), "run 'make setup'");
  return dir;
}

/** The client as people use it; the tests' world has no network to build it in. */
export function nerdctlBinary(): string {
  return requireExecutable(join(process.env.MICROVM_NERDCTL ?? build("nerdctl"), "nerdctl"), "run 'make setup'");
}

/** The directory with docker, dockerd and docker-proxy. */
export function dockerDir(): string {
  const directory = process.env.MICROVM_DOCKER ?? build("docker");
  for (const name of ["docker", "dockerd", "docker-proxy"])
    requireExecutable(join(directory, name), "run 'make setup'");
  return directory;
}

function build(name: "containerd" | "nerdctl" | "docker"): string {
  const script = join(repository, "integration/tools/build.sh");
  return execFileSync(script, [name], { stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" }).trim();
}
