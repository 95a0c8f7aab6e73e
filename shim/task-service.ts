import type { Any } from "../proto/containerd/any.ts";
import { taskMethods } from "../proto/containerd/task.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { type Route, unary } from "../proto/ttrpc/route.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { readSpec } from "./bundle.ts";
import type { Container } from "./container.ts";
import { createContainer } from "./create.ts";
import type { EventPublisher } from "./events.ts";
import type { Exit } from "./process.ts";
import type { Sandbox } from "./sandbox.ts";
import { checkRequestId, type TaskContext } from "./task-context.ts";
import { TaskEvents } from "./task-events.ts";
import { processRoutes } from "./task-process.ts";
import { resourceRoutes } from "./task-resources.ts";

export interface TaskServiceParts {
  readonly sandbox: Sandbox;
  readonly events: EventPublisher;
  /** Told of each container that is no more. */
  readonly onDeleted: (container: Container, exit: Exit) => void;
  /** Takes back what others could find of the shim. */
  readonly leave: () => Promise<void>;
  /** Ends the shim, after the answer to the call has left. */
  readonly exit: () => void;
  /** Is shown the runtime options of each Create. */
  readonly seeOptions: (options: Any) => void;
}

/** The Task API of containerd, both versions: it only maps to `container.ts`. What is not routed is Unimplemented. */
export function taskRoutes(parts: TaskServiceParts): Route[] {
  const { sandbox } = parts;
  const creating = new Set<string>();
  const events = new TaskEvents(parts.events);
  const find = (id: string): Container => {
    const container = sandbox.containers.get(id);
    if (container === undefined || creating.has(id)) throw new RpcError(Code.NotFound, `container ${id}: not found`);
    return container;
  };
  return ([2, 3] as const).flatMap((version) => {
    const task = taskMethods(version);
    return [
      ...lifeRoutes(task, parts, creating, { events, find }),
      ...processRoutes(task, { events, find }),
      ...resourceRoutes(task, { events, find }),
    ];
  });
}

function lifeRoutes(
  task: ReturnType<typeof taskMethods>,
  { sandbox, leave, exit, seeOptions, onDeleted }: TaskServiceParts,
  creating: Set<string>,
  { events, find }: TaskContext,
): Route[] {
  return [
    unary(task.create, async (request) => {
      const { id, bundle, terminal, stdin, stdout, stderr } = request;
      checkRequestId(id);
      if (sandbox.containers.has(id) || creating.has(id))
        throw new RpcError(Code.AlreadyExists, `container ${id}: already exists`);
      if (request.checkpoint) throw new RpcError(Code.Unimplemented, "restoring a checkpoint is not supported");
      if (request.options) seeOptions(request.options);
      creating.add(id);
      try {
        const container = await createContainer(sandbox, {
          id,
          bundle,
          spec: readSpec(bundle),
          rootfs: request.rootfs.map(({ type, source, target, options }) => ({ type, source, target, options })),
          stdio: { terminal, stdin, stdout, stderr },
          onExit: (ended, process, end) => events.exited(ended, process, end),
          onOutOfMemory: (starved) => events.outOfMemory(starved),
        });
        events.created(container, request);
        return { pid: container.pid };
      } finally {
        creating.delete(id);
      }
    }),

    unary(task.delete, async ({ id, execId }) => {
      const container = find(id);
      const { pid } = container.find(execId);
      const exit = execId === "" ? await container.delete() : await container.deleteExec(container.find(execId));
      if (execId === "") {
        events.deleted(container, exit);
        onDeleted(container, exit);
      }
      return { pid, exitStatus: exit.status, exitedAt: timestamp(exit.at) };
    }),

    unary(task.connect, ({ id }) => ({
      shimPid: process.pid,
      taskPid: sandbox.containers.get(id)?.pid ?? 0,
      version: "",
    })),

    unary(task.shutdown, async () => {
      if (sandbox.containers.size > 0 || creating.size > 0) return {};
      // Whoever is answered may ask for `delete` at once. A VM that still runs takes longer to end than a client waits.
      if (sandbox.isStopping) await leave();
      exit();
      return {};
    }),
  ];
}
