import { Status, type taskMethods } from "../proto/containerd/task.ts";
import { timestamp } from "../proto/containerd/timestamp.ts";
import { type Route, unary } from "../proto/ttrpc/route.ts";
import type { Container } from "./container.ts";
import { startExec } from "./exec.ts";
import type { Process } from "./process.ts";
import { checkRequestId, type TaskContext } from "./task-context.ts";

/** The calls that concern one process of a container: its init, or an exec. */
export function processRoutes(task: ReturnType<typeof taskMethods>, { events, find }: TaskContext): Route[] {
  return [
    unary(task.start, async ({ id, execId }) => {
      const container = find(id);
      const process = container.find(execId);
      const announce = () => events.started(container, process);
      await (execId === "" ? container.start(announce) : startExec(container, process, announce));
      return { pid: process.pid };
    }),

    unary(task.exec, ({ id, execId, terminal, stdin, stdout, stderr, spec }) => {
      checkRequestId(execId);
      const container = find(id);
      container.addExec(execId, { terminal, stdin, stdout, stderr }, spec?.value ?? new Uint8Array());
      events.execAdded(container, execId);
      return {};
    }),

    unary(task.state, ({ id, execId }) => {
      const container = find(id);
      return stateOf(container, container.find(execId));
    }),

    unary(task.wait, async ({ id, execId }) => {
      const { status, at } = await find(id).find(execId).exited;
      return { exitStatus: status, exitedAt: timestamp(at) };
    }),

    unary(task.kill, async ({ id, execId, signal, all }) => {
      const container = find(id);
      await container.kill(container.find(execId), signal, all);
      return {};
    }),

    unary(task.closeIo, ({ id, execId, stdin }) => {
      const process = find(id).find(execId);
      if (stdin) process.closeStdin();
      return {};
    }),

    unary(task.resizePty, async ({ id, execId, width, height }) => {
      const container = find(id);
      await container.resize(container.find(execId), { columns: width, rows: height });
      return {};
    }),
  ];
}

function stateOf(container: Container, process: Process) {
  const { id, bundle } = container;
  const { state, pid, execId, stdioPaths } = process;
  const exit = state.name === "stopped" ? { exitStatus: state.exit.status, exitedAt: timestamp(state.exit.at) } : {};
  return { id, bundle, pid, status: statusOf(container, process), ...stdioPaths, ...exit, execId };
}

function statusOf(container: Container, { state, execId }: Process) {
  switch (state.name) {
    case "created":
      return Status.Created;
    case "running":
      return container.paused && execId === "" ? Status.Paused : Status.Running;
    case "stopped":
      return Status.Stopped;
  }
}
