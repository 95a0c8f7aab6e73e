import { existsSync, mkdirSync, realpathSync, rmdirSync, statSync, unlinkSync, writeFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { tool } from "./tool.ts";

const LIMIT_MS = 20_000;

/** A mount as containerd gives it in Create: containerd.types.Mount. */
export interface Mount {
  readonly type: string;
  readonly source: string;
  /** Below the root file system; empty for itself. */
  readonly target: string;
  readonly options: readonly string[];
}

/**
 * Mounts a container's root file system, in order. The shim has a mount namespace of its own: what is mounted here is
 * gone with the last process of the VM, whatever happens to it. Rejects with the mount command's own words.
 */
export async function mountAll(mounts: readonly Mount[], target: string): Promise<void> {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  for (const mount of mounts) await mountOne(mount, join(target, inside(mount.target)));
}

async function mountOne(mount: Mount, target: string): Promise<void> {
  const bind = mount.type === "bind" || mount.options.some((option) => option === "bind" || option === "rbind");
  const { cwd, options } = shorten(mount.options);
  if (bind && !options.includes("bind") && !options.includes("rbind")) options.push("bind");
  const type = bind ? [] : ["-t", mount.type];
  const rest = options.length > 0 ? ["-o", options.join(",")] : [];
  await runMount([...type, ...rest, "--source", mount.source, "--target", target], cwd);
}

/** Binds `source` (a file or a directory) to `target`, which is made first. */
export async function bindMount(source: string, target: string): Promise<void> {
  const real = realpathSync(source);
  if (statSync(real).isDirectory()) mkdirSync(target, { recursive: true, mode: 0o700 });
  else writeFileSync(target, "", { mode: 0o600 });
  await runMount(["-o", "rbind", "--source", real, "--target", target]);
}

/** How a volume's mount relates to the host's: see `Bind`. */
export interface BindKind {
  readonly recursive: boolean;
  readonly follows: boolean;
}

/**
 * Binds `source` to `target`, a mount point of the same kind below a shared directory. One that does not follow the
 * host is made private beforehand at `staging`, another such mount point outside of that directory: a mount that is
 * shared already hands on what it receives, whatever it becomes later.
 */
export async function bindTree(source: string, target: string, kind: BindKind, staging: string): Promise<void> {
  const bind = kind.recursive ? "--rbind" : "--bind";
  if (kind.follows) return runMount([bind, "--", source, target]);
  await runMount([bind, "--make-rprivate", "--", source, staging]);
  await runMount(["--move", staging, target]);
}

/** Detaches the paths and everything below them. What is not mounted is no error. */
export async function unmountTree(...paths: readonly string[]): Promise<void> {
  await tool("umount", ["-n", "-R", "-l", ...paths], { timeoutMs: LIMIT_MS }).catch((error: Error) => {
    if (!/not mounted|no mount point|not found/.test(error.message)) throw error;
  });
}

/** Unmounts a container's root below `shared`, the container's directory, and removes both. Twice is no error. */
export async function removeRoot(shared: string): Promise<void> {
  const root = join(shared, "rootfs");
  await unmountTree(root);
  // Never recursively: what should still be mounted there is the container's.
  if (statSync(root, { throwIfNoEntry: false })?.isFile()) unlinkSync(root);
  for (const path of [root, shared]) if (existsSync(path)) rmdirSync(path);
}

/**
 * The kernel takes one page of options, and an image of many layers has more. So the layers' paths are written
 * relative to the directory that they have in common, and the mount runs there.
 */
export function shorten(options: readonly string[]): { cwd: string; options: string[] } {
  const lower = options
    .find((option) => option.startsWith("lowerdir="))
    ?.slice("lowerdir=".length)
    .split(":");
  if (lower === undefined || lower.length < 2 || options.join(",").length < 2048 || !lower.every(isAbsolute)) {
    return { cwd: "/", options: [...options] };
  }
  const cwd = commonDirectory(lower);
  const short = lower.map((path) => relative(cwd, path)).join(":");
  return { cwd, options: options.map((option) => (option.startsWith("lowerdir=") ? `lowerdir=${short}` : option)) };
}

function commonDirectory(paths: readonly string[]): string {
  const [first = [], ...rest] = paths.map((path) => path.split("/").slice(0, -1));
  let length = first.length;
  for (const parts of rest) {
    while (parts.slice(0, length).join("/") !== first.slice(0, length).join("/")) length--;
  }
  return first.slice(0, length).join("/") || "/";
}

function inside(target: string): string {
  const path = resolve("/", target);
  if (path !== "/" && path !== `/${target.replace(/^\/+/, "")}`)
    throw new Error(`mount target "${target}" is not plain`);
  return path;
}

async function runMount(args: readonly string[], cwd?: string): Promise<void> {
  await tool("mount", ["-n", ...args], { timeoutMs: LIMIT_MS, cwd });
}
