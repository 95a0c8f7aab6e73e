import { processDetails } from "../proto/containerd/messages.ts";
import type { taskMethods } from "../proto/containerd/task.ts";
import { Code } from "../proto/ttrpc/code.ts";
import { type Route, unary } from "../proto/ttrpc/route.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { pause, resume } from "./pause.ts";
import { stats } from "./stats.ts";
import type { TaskContext } from "./task-context.ts";
import { update } from "./update.ts";

/** The calls that concern a container as a whole while it runs. */
export function resourceRoutes(task: ReturnType<typeof taskMethods>, { events, find }: TaskContext): Route[] {
  return [
    unary(task.pids, async ({ id }) => {
      const container = find(id);
      const entries = await container.processes.list(container);
      return {
        processes: entries.map(({ pid, execId }) => (execId === "" ? { pid } : { pid, info: processDetails(execId) })),
      };
    }),

    unary(task.pause, async ({ id }) => {
      const container = find(id);
      await pause(container);
      events.paused(container);
      return {};
    }),

    unary(task.resume, async ({ id }) => {
      const container = find(id);
      await resume(container);
      events.resumed(container);
      return {};
    }),

    unary(task.update, async ({ id, resources }) => {
      await update(find(id), resources?.value ?? new Uint8Array());
      return {};
    }),

    unary(task.stats, async ({ id }) => ({ stats: await stats(find(id)) })),

    unary(task.checkpoint, () => {
      throw new RpcError(Code.Unimplemented, "checkpoint is not supported by this runtime");
    }),
  ];
}
