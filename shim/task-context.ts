import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { checkId } from "./bundle.ts";
import type { Container } from "./container.ts";
import type { TaskEvents } from "./task-events.ts";

/** What the routes of the Task service share. */
export interface TaskContext {
  readonly events: TaskEvents;
  /** A container that Create has answered for. Throws NotFound. */
  readonly find: (id: string) => Container;
}

/** They become parts of paths. Throws InvalidArgument. */
export function checkRequestId(id: string): void {
  try {
    checkId(id);
  } catch (error) {
    throw new RpcError(Code.InvalidArgument, (error as Error).message);
  }
}
