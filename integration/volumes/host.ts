/** What the tests of volumes make on the host. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";

const PROBE_SOURCES = join(import.meta.dirname, "probe");

/** Where containers have the probe's directory. */
export const PROBE = "/probe";

/** Flags of `ctr run` for a bind mount; `options` are separated by colons. */
export function bindFlags(source: string, destination: string, options: string): string[] {
  const bind = /\br?bind\b/.test(options) ? options : `rbind:${options}`;
  return ["--mount", `type=bind,src=${source},dst=${destination},options=${bind}`];
}

/** Compiles the probe into the directory, once, and returns the directory. */
export function buildProbe(directory: string): string {
  const program = join(directory, "probe");
  if (existsSync(program)) return directory;
  mkdirSync(directory, { recursive: true });
  const sources = readdirSync(PROBE_SOURCES).filter((name) => name.endsWith(".c"));
  const flags = ["-O1", "-static", "-w", "-D_GNU_SOURCE", "-o", program];
  execFileSync("cc", [...flags, ...sources.map((name) => join(PROBE_SOURCES, name))], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  return directory;
}

/** A directory on a mount of its own that others can be slaves of, as a host's root is under systemd. */
export interface SharedTree extends AsyncDisposable {
  readonly path: string;
  /** Mounts a tmpfs on a directory below, with options as mount(8) takes them. */
  mount(name: string, options?: string): void;
  unmount(name: string): void;
}

export function sharedTree(path: string): SharedTree {
  mkdirSync(path, { recursive: true });
  execFileSync("mount", ["-n", "--bind", "--make-shared", path, path]);
  return {
    path,
    mount: (name, options = "rw") =>
      void execFileSync("mount", ["-n", "-t", "tmpfs", "-o", options, "below", join(path, name)]),
    // As it may be in use by a container.
    unmount: (name) => void execFileSync("umount", ["-n", "-l", join(path, name)]),
    async [Symbol.asyncDispose]() {
      execFileSync("umount", ["-n", "-R", "-l", path]);
      rmSync(path, { recursive: true });
    },
  };
}
