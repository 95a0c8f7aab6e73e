import { createServer } from "node:net";
import type { Any } from "../proto/containerd/any.ts";
import { sendDebug } from "../proto/debug.ts";
import { TtrpcServer } from "../proto/ttrpc/server.ts";
import { readSpec } from "./bundle.ts";
import { joinCgroup } from "./cgroup.ts";
import { DAEMON_VARIABLE, type DaemonParameters, ONE_ARENA } from "./daemon-parameters.ts";
import { EventPublisher } from "./events.ts";
import { Log } from "./log.ts";
import { lateNotes, type Note, vmSettings } from "./options.ts";
import { Rest } from "./rest.ts";
import { Sandbox } from "./sandbox.ts";
import { StateDir, vmUser } from "./state-dir.ts";
import { taskRoutes } from "./task-service.ts";
import { unlinkQuietly } from "./unlink.ts";

const LISTEN_FD = 3;
const EVENT_FLUSH_MS = 2_000;

/** The long-lived shim: serves the socket that it inherited until containerd says Shutdown. */
export function daemon(): void {
  const parameters = JSON.parse(process.env[DAEMON_VARIABLE] ?? "{}") as DaemonParameters;
  // What it starts is to have neither.
  for (const name of [DAEMON_VARIABLE, ...Object.keys(ONE_ARENA)]) delete process.env[name];
  const { bundle, namespace, group, ttrpcAddress, options } = parameters;
  const log = new Log(bundle, parameters.debug);
  // What the VM is started with is always worth a line; the wire's lines are too many, NODE_DEBUG asks for them.
  sendDebug((scope, line) => log.trace(scope, line), parameters.debug ? ["microvm-vm"] : []);
  const tell = (notes: readonly Note[]) => {
    for (const { level, text } of notes) log.write(level, text);
  };
  tell(options.notes);
  if (options.shimCgroup !== "") joinShimCgroup(options.shimCgroup, log);
  const spec = readSpec(bundle);
  const sandbox = new Sandbox(
    new StateDir(namespace, group),
    vmUser(namespace, group),
    spec,
    () => vmSettings(options, spec.annotations ?? {}, (message) => log.write("warning", message)),
    log,
  );
  const events = new EventPublisher(ttrpcAddress, namespace, log);

  const listener = createServer();
  let exiting = false;
  const exit = async () => {
    if (exiting) return;
    exiting = true;
    unlinkQuietly(parameters.socket);
    await sandbox.stop();
    await events.flush(EVENT_FLUSH_MS);
    process.exit(0);
  };
  const seeOptions = (late: Any) => tell(lateNotes(late, options));
  const server = new TtrpcServer(taskRoutes({ sandbox, events, exit: () => setImmediate(exit), seeOptions }));
  const rest = new Rest();
  listener.on("connection", (socket) => {
    socket.on("data", () => rest.disturb());
    server.serve(socket);
  });
  listener.listen({ fd: LISTEN_FD });

  // A client that goes away is no reason to end, and neither is its hang-up.
  process.on("SIGHUP", () => {});
  process.on("SIGINT", exit);
  process.on("SIGTERM", exit);
  const fail = (error: unknown) => {
    log.write("error", `shim failed: ${error instanceof Error ? error.stack : String(error)}`);
    exit();
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
}

/** A shim outside of its cgroup still serves its containers. */
function joinShimCgroup(path: string, log: Log): void {
  try {
    joinCgroup(path, process.pid);
  } catch (error) {
    log.write("warning", `cannot join the shim's cgroup: ${(error as Error).message}`);
  }
}
