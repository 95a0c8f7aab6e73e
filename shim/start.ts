import { spawn } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { decodeStartInput, encodeBootstrapResult } from "../proto/containerd/bootstrap.ts";
import { descriptor, listen } from "../vmm/listening-socket.ts";
import { locateShare } from "../vmm/locate.ts";
import { mayHaveVolumes } from "./bind.ts";
import { checkId, groupOf, readSpec } from "./bundle.ts";
import { DAEMON_VARIABLE, type DaemonParameters, ONE_ARENA } from "./daemon-parameters.ts";
import type { Invocation } from "./flags.ts";
import { startOptions } from "./options.ts";
import { thisProgram } from "./sandbox-config.ts";
import { socketPath } from "./socket-path.ts";
import { StateDir, vmUser } from "./state-dir.ts";

/** containerd.runtime.bootstrap.v1.LogLevel. */
const LOG_LEVEL_DEBUG = -4;

/**
 * The `start` action: makes the socket, starts the daemon that serves it, or finds the one of the group that does
 * already, and prints the address in the form that fits what containerd sent.
 */
export async function start(flags: Invocation): Promise<void> {
  const input = decodeStartInput(readFileSync(0), flags);
  const params = input.kind === "bootstrap" ? input.params : undefined;
  const bundle = process.cwd();
  const spec = readSpec(bundle);
  const group = groupOf(spec, checkId(flags.id));
  const path = socketPath(flags.address, checkId(flags.namespace), group, params?.socketDir);
  mkdirSync(dirname(path), { recursive: true, mode: 0o711 });
  const server = await listenOrFind(path);
  if (server !== undefined) {
    chmodSync(path, 0o600);
    const parameters: DaemonParameters = {
      id: flags.id,
      group,
      namespace: flags.namespace,
      bundle,
      socket: path,
      ttrpcAddress: params?.containerdTtrpcAddress || (process.env.TTRPC_ADDRESS ?? ""),
      options: startOptions(input),
      debug: flags.debug || (params?.logLevel ?? 0) <= LOG_LEVEL_DEBUG,
    };
    const stateDir = new StateDir(flags.namespace, group);
    stateDir.create(vmUser(flags.namespace, group));
    startDaemon(server, parameters, stateDir.served(mayHaveVolumes(spec)));
  }
  const address = `unix://${path}`;
  // containerd 1.6 and 1.7 read it when they start again; without it they take the shim for dead.
  writeFileSync(join(bundle, "address"), address, { mode: 0o600 });
  const output = params ? encodeBootstrapResult({ version: 3, address }) : Buffer.from(address);
  await new Promise((resolve) => process.stdout.write(output, resolve));
}

/** Undefined if a daemon of the group listens already. A socket that nobody serves is replaced. */
async function listenOrFind(path: string): Promise<Server | undefined> {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      return await listen(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
      if (await answers(path)) return undefined;
      unlinkSync(path);
    }
  }
  throw new Error(`cannot listen on ${path}: others keep taking it`);
}

function answers(path: string): Promise<boolean> {
  const socket = connect(path);
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/**
 * The daemon inherits the listening socket and nothing else: with our standard output it would keep containerd waiting
 * for ever. Its mount namespace is its own, so whatever it mounts is gone with it; `served` is what it hands on to virtiofsd.
 */
function startDaemon(server: Server, parameters: DaemonParameters, served: readonly string[]): void {
  const share = locateShare(thisProgram());
  const child = spawn(share, [...served, "--", process.execPath, "daemon"], {
    detached: true,
    cwd: "/",
    stdio: ["ignore", "ignore", "ignore", descriptor(server)],
    env: { ...process.env, ...ONE_ARENA, [DAEMON_VARIABLE]: JSON.stringify(parameters) },
  });
  if (child.pid === undefined) throw new Error(`cannot start ${share}`);
  raiseOomScore(child.pid);
  child.unref();
}

/** When memory runs out the kernel should take a shim before it takes containerd. */
function raiseOomScore(pid: number): void {
  try {
    const own = Number(readFileSync(`/proc/${process.ppid}/oom_score_adj`, "latin1"));
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(Math.min(own + 1, 1000)));
  } catch {
    // Not permitted everywhere, and never worth failing for.
  }
}
