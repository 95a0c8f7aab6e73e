import type { taskMethods } from "../proto/containerd/task.ts";
import { Code } from "../proto/ttrpc/code.ts";
import type { Method } from "../proto/ttrpc/method.ts";
import { type Route, unary } from "../proto/ttrpc/route.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

const NAMES = ["exec", "pause", "resume", "checkpoint", "update", "stats"] as const;

/** Routes for what is not done: a client shows the message as it is, so it must say more than a method's name. */
export function unsupportedRoutes(task: ReturnType<typeof taskMethods>): Route[] {
  return NAMES.map((name) =>
    unary(task[name] as Method<object, object>, () => {
      throw new RpcError(Code.Unimplemented, `${name} is not supported by this runtime yet`);
    }),
  );
}
