import { createServer } from "node:net";
import { sendDebug } from "../proto/debug.ts";
import { TtrpcServer } from "../proto/ttrpc/server.ts";
import { readSpec } from "./bundle.ts";
import { DAEMON_VARIABLE, type DaemonParameters } from "./daemon-parameters.ts";
import { EventPublisher } from "./events.ts";
import { Log } from "./log.ts";
import { Sandbox } from "./sandbox.ts";
import { DEFAULT_SETTINGS_PATH, readSettings } from "./settings.ts";
import { StateDir, vmUser } from "./state-dir.ts";
import { taskRoutes } from "./task-service.ts";
import { unlinkQuietly } from "./unlink.ts";

const LISTEN_FD = 3;
const EVENT_FLUSH_MS = 2_000;

/** The long-lived shim: serves the socket that it inherited until containerd says Shutdown. */
export function daemon(): void {
  const parameters = JSON.parse(process.env[DAEMON_VARIABLE] ?? "{}") as DaemonParameters;
  delete process.env[DAEMON_VARIABLE];
  const { bundle, namespace, group, ttrpcAddress } = parameters;
  const log = new Log(bundle, parameters.debug);
  // What the VM is started with is always worth a line; the wire's lines are too many, NODE_DEBUG asks for them.
  sendDebug((scope, line) => log.trace(scope, line), parameters.debug ? ["microvm-vm"] : []);
  const settingsPath = process.env.MICROVM_CONFIG || DEFAULT_SETTINGS_PATH;
  const sandbox = new Sandbox(
    new StateDir(namespace, group),
    vmUser(namespace, group),
    readSpec(bundle),
    () => readSettings(settingsPath, (message) => log.write("warning", message)),
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
  const server = new TtrpcServer(taskRoutes({ sandbox, events, exit: () => setImmediate(exit) }));
  listener.on("connection", (socket) => server.serve(socket));
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
