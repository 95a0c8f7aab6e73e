import { spawn } from "node:child_process";
import { unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Hook, HookName, Spec } from "./bundle.ts";

/** The container's state as hooks get it on standard input; OCI runtime specification, "State". */
export interface HookState {
  readonly id: string;
  readonly status: "creating" | "created" | "running" | "stopped";
  /** Undefined when there is no process any more. */
  readonly pid?: number;
  readonly bundle: string;
}

/** Of what a hook prints. */
const MAX_OUTPUT = 4096;

/**
 * Runs the hooks of one kind on the host, in order, in `directory` (the bundle if undefined). `startContainer` is not
 * for here: libcrun runs it, in the container. Rejects with what the first one said that fails, as runc words it.
 */
export async function runHooks(
  name: Exclude<HookName, "startContainer">,
  spec: Spec,
  state: HookState,
  directory = state.bundle,
): Promise<void> {
  const input = JSON.stringify(stateDocument(spec, state));
  for (const [index, hook] of (spec.hooks?.[name] ?? []).entries()) {
    const problem = await runHook(hook, input, directory);
    if (problem !== undefined) throw new RpcError(Code.Unknown, `error running ${name} hook #${index}: ${problem}`);
  }
}

/** In the bundle while poststop hooks are still to be run, by the shim or, when that is gone, by `delete`. */
const OWED = "microvm-poststop";

/** From the first hook on the poststop hooks must run, whatever becomes of the container. */
export function owePoststop(spec: Spec, bundle: string): void {
  if ((spec.hooks?.poststop ?? []).length > 0) writeFileSync(join(bundle, OWED), "", { mode: 0o600 });
}

/** Runs the poststop hooks if they are owed, once. Failures are warnings: the container is gone in any case. */
export async function payPoststop(spec: Spec, id: string, bundle: string, warn: (line: string) => void): Promise<void> {
  try {
    unlinkSync(join(bundle, OWED));
  } catch {
    return;
  }
  await runHooks("poststop", spec, { id, status: "stopped", bundle }).catch((error: Error) => warn(error.message));
}

/** Keys in runc's order; what is empty is left out. */
function stateDocument(spec: Spec, { id, status, pid, bundle }: HookState): object {
  const annotations = spec.annotations ?? {};
  return {
    ociVersion: spec.ociVersion ?? "1.0.2",
    id,
    status,
    ...(pid !== undefined && { pid }),
    bundle,
    ...(Object.keys(annotations).length > 0 && { annotations }),
  };
}

/** Undefined if all is well, else what went wrong. */
function runHook(hook: Hook, input: string, cwd: string): Promise<string | undefined> {
  if (!hook.path?.startsWith("/")) return Promise.resolve(`its path "${hook.path}" is not absolute`);
  const [argv0 = hook.path, ...args] = hook.args ?? [];
  return new Promise((resolve) => {
    const child = spawn(hook.path, args, {
      argv0,
      cwd,
      // Without any of its own it has ours, as under runc.
      env: hook.env === undefined ? process.env : Object.fromEntries(hook.env.map(splitOnce)),
      stdio: ["pipe", "pipe", "pipe"],
      // A group of its own, so that a hook that is late ends with all it has started.
      detached: true,
    });
    const [stdout, stderr] = [child.stdout, child.stderr].map(collect) as [Output, Output];
    const timer = limit(hook.timeout, () => {
      killGroup(child.pid);
      child.stdout.destroy();
      child.stderr.destroy();
      resolve(`hook ran past specified timeout of ${hook.timeout}s`);
    });
    child.once("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      resolve(`${error.syscall ?? "spawn"}: ${error.code ?? error.message}`);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      const end = signal === null ? `exit status ${code}` : `signal: ${signal}`;
      resolve(code === 0 ? undefined : `${end}, stdout: ${stdout.text()}, stderr: ${stderr.text()}`);
    });
    // A hook need not read its input.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
  });
}

interface Output {
  /** The end of it, in one line. */
  text(): string;
}

function collect(stream: Readable): Output {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text = `${text}${chunk.toString("utf8")}`.slice(-MAX_OUTPUT);
  });
  return { text: () => text.trim().replaceAll(/\s*\n\s*/g, "; ") };
}

function limit(seconds: number | undefined, late: () => void): NodeJS.Timeout | undefined {
  return seconds === undefined || seconds <= 0 ? undefined : setTimeout(late, seconds * 1000);
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It ended just now.
  }
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}
