import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { ProcessSpec } from "./bundle.ts";

/**
 * What runc refuses of a process before it begins, in runc's words (`validateProcessSpec` of its utils_linux.go). libcrun
 * says some of it late, on the container's own stderr. Throws InvalidArgument.
 */
export function checkProcess(process: ProcessSpec | undefined): void {
  if (process === undefined) throw invalid("process property must not be empty");
  const { cwd, args } = process;
  if (typeof cwd !== "string" || cwd === "") throw invalid("Cwd property must not be empty");
  if (!cwd.startsWith("/")) throw invalid("Cwd must be an absolute path");
  if (!Array.isArray(args) || args.length === 0) throw invalid("args must not be empty");
}

function invalid(message: string): RpcError {
  return new RpcError(Code.InvalidArgument, message);
}
