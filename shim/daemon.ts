import { writeFileSync } from "node:fs";
import type { Any } from "../proto/containerd/any.ts";
import { sendDebug } from "../proto/debug.ts";
import { TtrpcServer } from "../proto/ttrpc/server.ts";
import { joinCgroup } from "./cgroup-files.ts";
import type { Container } from "./container.ts";
import { EventPublisher } from "./events.ts";
import { recordDeleted } from "./exit-record.ts";
import { Log } from "./log.ts";
import { lateNotes, type Note, vmSettings } from "./options.ts";
import type { Exit } from "./process.ts";
import { Rest } from "./rest.ts";
import { Sandbox } from "./sandbox.ts";
import type { Start } from "./start.ts";
import { taskRoutes } from "./task-service.ts";
import { unlinkQuietly } from "./unlink.ts";

const EVENT_FLUSH_MS = 2_000;

/** The long-lived shim: serves the socket of `start` until containerd says Shutdown. */
export function daemon({ listener, socket, debug, options, spec, ...start }: Start): void {
  nameProcess();
  // Node would make a stream of it, which takes milliseconds, to compare each socket that closes with it. It is /dev/null.
  Object.defineProperty(process, "stderr", { value: undefined });
  const log = new Log(start.bundle, debug);
  // What the VM is started with is always worth a line; the wire's lines are too many, NODE_DEBUG asks for them.
  sendDebug((scope, line) => log.trace(scope, line), debug ? ["microvm-vm"] : []);
  const tell = (notes: readonly Note[]) => {
    for (const { level, text } of notes) log.write(level, text);
  };
  tell(options.notes);
  if (options.shimCgroup !== "") joinShimCgroup(options.shimCgroup, log);
  const sandbox = new Sandbox(
    start.stateDir,
    spec,
    () => vmSettings(options, spec.annotations ?? {}, (message) => log.write("warning", message)),
    log,
  );
  const events = new EventPublisher(start.ttrpcAddress, start.stateDir.namespace, log);

  let exiting = false;
  let lastDeleted = () => {};
  /** What others find of this daemon goes; and if nothing else is left either, the last bundle says so. */
  const leave = async () => {
    unlinkQuietly(socket);
    if (await sandbox.stop()) lastDeleted();
  };
  const exit = async () => {
    if (exiting) return;
    exiting = true;
    await leave();
    await events.flush(EVENT_FLUSH_MS);
    process.exit(0);
  };
  const seeOptions = (late: Any) => tell(lateNotes(late, options));
  // The bundles of those before it are gone.
  const onDeleted = ({ bundle, pid }: Container, end: Exit) => {
    lastDeleted = () => recordDeleted(bundle, { pid, ...end });
  };
  const server = new TtrpcServer(
    taskRoutes({ sandbox, events, leave, exit: () => setImmediate(exit), seeOptions, onDeleted }),
  );
  const rest = new Rest();
  listener.on("connection", (connection) => {
    connection.on("data", () => rest.disturb());
    server.serve(connection);
  });

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

/** What `ps` and `killall` know it by: the name of what containerd runs. */
function nameProcess(): void {
  try {
    writeFileSync("/proc/self/comm", "containerd-shim-microvm-v2");
  } catch {
    // Then it has that of the file.
  }
}

/** A shim outside of its cgroup still serves its containers. */
function joinShimCgroup(path: string, log: Log): void {
  try {
    joinCgroup(path, process.pid);
  } catch (error) {
    log.write("warning", `cannot join the shim's cgroup: ${(error as Error).message}`);
  }
}
