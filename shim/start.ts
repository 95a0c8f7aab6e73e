import { chmodSync, mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { connect, type Server } from "node:net";
import { dirname, join } from "node:path";
import { decodeStartInput, encodeBootstrapResult, type StartInput } from "../proto/containerd/bootstrap.ts";
import { listen } from "../vmm/listening-socket.ts";
import { mayHaveVolumes } from "./bind.ts";
import { checkId, groupOf, readSpec, type Spec } from "./bundle.ts";
import { forgetDeleted } from "./exit-record.ts";
import type { Invocation } from "./flags.ts";
import { answer, share, takeInput } from "./launcher.ts";
import { type RuntimeOptions, startOptions } from "./options.ts";
import { socketPath } from "./socket-path.ts";
import { StateDir } from "./state-dir.ts";
import { unlinkQuietly } from "./unlink.ts";

/** containerd.runtime.bootstrap.v1.LogLevel. */
const LOG_LEVEL_DEBUG = -4;

/** What a daemon begins with. */
export interface Start {
  readonly bundle: string;
  readonly spec: Spec;
  readonly stateDir: StateDir;
  /** It listens, on `socket`. */
  readonly listener: Server;
  readonly socket: string;
  /** containerd's ttrpc socket, for events. */
  readonly ttrpcAddress: string;
  readonly debug: boolean;
  readonly options: RuntimeOptions;
}

/**
 * The `start` action, in the daemon that it starts: makes the socket and the state directory, and gives the address in
 * the form that fits what containerd sent. Undefined if a daemon of the group does that already: then it is that one's
 * address. Rejects, with nothing left, with what containerd is to be told.
 */
export async function start(flags: Invocation): Promise<Start | undefined> {
  const input = decodeStartInput(takeInput(), flags);
  const params = input.kind === "bootstrap" ? input.params : undefined;
  const bundle = process.cwd();
  // Nobody's mount is to be busy because of us.
  process.chdir("/");
  const spec = readSpec(bundle);
  const group = groupOf(spec, checkId(flags.id));
  const socket = socketPath(flags.address, checkId(flags.namespace), group, params?.socketDir);
  mkdirSync(dirname(socket), { recursive: true, mode: 0o711 });
  const listener = await listenOrFind(socket);
  if (listener === undefined) {
    tellAddress(bundle, socket, input);
    return undefined;
  }
  const stateDir = new StateDir(flags.namespace, group);
  try {
    chmodSync(socket, 0o600);
    forgetDeleted(bundle);
    stateDir.create();
    share(stateDir.served(mayHaveVolumes(spec)));
    tellAddress(bundle, socket, input);
  } catch (error) {
    unlinkQuietly(socket);
    stateDir.remove();
    throw error;
  }
  return {
    ...{ bundle, spec, stateDir, listener, socket },
    ttrpcAddress: params?.containerdTtrpcAddress || (process.env.TTRPC_ADDRESS ?? ""),
    debug: flags.debug || (params?.logLevel ?? 0) <= LOG_LEVEL_DEBUG,
    options: startOptions(input),
  };
}

function tellAddress(bundle: string, socket: string, input: StartInput): void {
  const address = `unix://${socket}`;
  // containerd 1.6 and 1.7 read it when they start again; without it they take the shim for dead.
  writeFileSync(join(bundle, "address"), address, { mode: 0o600 });
  answer(input.kind === "bootstrap" ? encodeBootstrapResult({ version: 3, address }) : Buffer.from(address));
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
