import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename } from "node:path";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { HookName, Spec } from "./bundle.ts";

/** The container's state as hooks get it on standard input; OCI runtime specification, "State". */
export interface HookState {
  readonly id: string;
  readonly status: "creating" | "created" | "running" | "stopped";
  readonly pid: number;
  readonly bundle: string;
}

const MAX_STDERR = 4096;

/** These run inside the container's namespaces, which are the guest's. */
const NOT_YET: readonly HookName[] = ["createContainer", "startContainer"];

/** Throws Unimplemented if config.json has hooks that cannot be run. */
export function checkHooks(spec: Spec): void {
  for (const name of NOT_YET) {
    if ((spec.hooks?.[name] ?? []).length > 0) {
      throw new RpcError(
        Code.Unimplemented,
        `${name} hooks are not supported: they would have to run inside the guest`,
      );
    }
  }
}

/** Runs the hooks of one kind on the host, in order. Rejects with the first one's stderr that fails. */
export async function runHooks(name: HookName, spec: Spec, state: HookState): Promise<void> {
  const input = JSON.stringify({
    ociVersion: spec.ociVersion ?? "1.0.2",
    annotations: spec.annotations ?? {},
    ...state,
  });
  for (const hook of spec.hooks?.[name] ?? []) {
    const [argv0 = basename(hook.path), ...args] = hook.args ?? [];
    const child = spawn(hook.path, args, {
      argv0,
      cwd: state.bundle,
      env: Object.fromEntries((hook.env ?? []).map((entry) => splitOnce(entry))),
      stdio: ["pipe", "ignore", "pipe"],
      ...(hook.timeout === undefined ? {} : { timeout: hook.timeout * 1000, killSignal: "SIGKILL" as const }),
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = `${stderr}${chunk.toString("utf8")}`.slice(-MAX_STDERR);
    });
    // A hook need not read its input.
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    const [code, signal] = await once(child, "close").catch((error: Error) => [error.message, null]);
    if (code !== 0) {
      throw new RpcError(Code.Unknown, `${name} hook ${hook.path} failed (${signal ?? code}): ${stderr.trim()}`);
    }
  }
}

function splitOnce(entry: string): [string, string] {
  const at = entry.indexOf("=");
  return at < 0 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
}
