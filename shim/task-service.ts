import type { Any } from "../proto/containerd/any.ts";
import { TaskCreate, TaskDelete, TaskExit, TaskStart } from "../proto/containerd/events.ts";
import { Status, taskMethods } from "../proto/containerd/task.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { type Route, unary } from "../proto/ttrpc/route.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { checkId, readSpec } from "./bundle.ts";
import { Container } from "./container.ts";
import type { EventPublisher } from "./events.ts";
import type { Sandbox } from "./sandbox.ts";
import { unsupportedRoutes } from "./unsupported.ts";

const STATUS = { created: Status.Created, running: Status.Running, stopped: Status.Stopped };

export interface TaskServiceParts {
  readonly sandbox: Sandbox;
  readonly events: EventPublisher;
  /** Ends the shim, after the answer to the call has left. */
  readonly exit: () => void;
  /** Is shown the runtime options of each Create. */
  readonly seeOptions: (options: Any) => void;
}

/** The Task API of containerd, both versions: it only maps to `container.ts`. What is not routed is Unimplemented. */
export function taskRoutes(parts: TaskServiceParts): Route[] {
  return ([2, 3] as const).flatMap((version) => routesOf(version, parts));
}

function routesOf(version: 2 | 3, { sandbox, events, exit, seeOptions }: TaskServiceParts): Route[] {
  const task = taskMethods(version);
  const creating = new Set<string>();

  const find = (id: string, execId = ""): Container => {
    const container = sandbox.containers.get(id);
    if (container === undefined || creating.has(id)) throw new RpcError(Code.NotFound, `container ${id}: not found`);
    if (execId !== "") throw new RpcError(Code.NotFound, `process ${execId} of container ${id}: not found`);
    return container;
  };

  return [
    unary(task.create, async (request) => {
      const { id, bundle } = request;
      checkRequestId(id);
      if (sandbox.containers.has(id) || creating.has(id))
        throw new RpcError(Code.AlreadyExists, `container ${id}: already exists`);
      if (request.checkpoint) throw new RpcError(Code.Unimplemented, "restoring a checkpoint is not supported");
      if (request.options) seeOptions(request.options);
      creating.add(id);
      try {
        const { terminal, stdin, stdout, stderr } = request;
        const rootfs = request.rootfs.map((mount) => ({
          type: mount.type,
          source: mount.source,
          target: mount.target,
          options: mount.options,
        }));
        const stdio = { terminal, stdin, stdout, stderr };
        const spec = readSpec(bundle);
        const { pid } = await Container.create(sandbox, { id, bundle, spec, rootfs, stdio, onExit: announceExit });
        events.publish("containerd.events.TaskCreate", TaskCreate, {
          containerId: id,
          bundle,
          rootfs: request.rootfs,
          io: stdio,
          checkpoint: "",
          pid,
        });
        return { pid };
      } finally {
        creating.delete(id);
      }
    }),

    unary(task.start, async ({ id, execId }) => {
      const container = find(id, execId);
      await container.start(() =>
        events.publish("containerd.events.TaskStart", TaskStart, { containerId: id, pid: container.pid }),
      );
      return { pid: container.pid };
    }),

    unary(task.state, ({ id, execId }) => {
      const { bundle, pid, stdioPaths, state } = find(id, execId);
      const exit =
        state.name === "stopped" ? { exitStatus: state.exit.status, exitedAt: timestamp(state.exit.at) } : {};
      return { id, bundle, pid, status: STATUS[state.name], ...stdioPaths, ...exit, execId: "" };
    }),

    unary(task.wait, async ({ id, execId }) => {
      const { status, at } = await find(id, execId).exited;
      return { exitStatus: status, exitedAt: timestamp(at) };
    }),

    unary(task.kill, async ({ id, execId, signal, all }) => {
      await find(id, execId).kill(signal, all);
      return {};
    }),

    unary(task.delete, async ({ id, execId }) => {
      const container = find(id, execId);
      const { status, at } = await container.delete();
      const { pid } = container;
      events.publish("containerd.events.TaskDelete", TaskDelete, {
        containerId: id,
        pid,
        exitStatus: status,
        exitedAt: timestamp(at),
        id: "",
      });
      return { pid, exitStatus: status, exitedAt: timestamp(at) };
    }),

    unary(task.pids, ({ id }) => ({ processes: [{ pid: find(id).pid }] })),

    unary(task.closeIo, ({ id, execId, stdin }) => {
      if (stdin) find(id, execId).closeStdin();
      return {};
    }),

    // A client may ask for a size before it knows that there is no terminal.
    unary(task.resizePty, ({ id, execId }) => {
      find(id, execId);
      return {};
    }),

    ...unsupportedRoutes(task),

    unary(task.connect, ({ id }) => ({
      shimPid: process.pid,
      taskPid: sandbox.containers.get(id)?.pid ?? 0,
      version: "",
    })),

    unary(task.shutdown, () => {
      if (sandbox.containers.size === 0 && creating.size === 0) exit();
      return {};
    }),
  ];

  function announceExit(container: Container, status: number, at: Date): void {
    const { id, pid } = container;
    events.publish("containerd.events.TaskExit", TaskExit, {
      containerId: id,
      id,
      pid,
      exitStatus: status,
      exitedAt: timestamp(at),
    });
  }
}

function checkRequestId(id: string): void {
  try {
    checkId(id);
  } catch (error) {
    throw new RpcError(Code.InvalidArgument, (error as Error).message);
  }
}
