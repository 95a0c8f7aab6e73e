import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";

/**
 * Clients know a missing or unfit program by runc's words: Docker turns them into the exit codes 127 and 126. The left
 * sides are libcrun's (`find_executable` in its utils.c).
 */
const RUNC_WORDS: readonly [RegExp, string][] = [
  [/^executable file `(.*)` not found in \$PATH.*$/s, 'exec: "$1": executable file not found in $$PATH'],
  [/^executable file `(.*)` not found.*$/s, 'exec: "$1": stat $1: no such file or directory'],
  [/^the path `(.*)` is not a regular file.*$/s, 'exec: "$1": permission denied'],
  [/^the path `(.*)` exists but it is not executable.*$/s, 'exec: "$1": permission denied'],
];

/**
 * What a client is told when the guest could not make a process: libcrun's reason in the form that clients know.
 * `paths`: what the guest calls something that the client knows by another name.
 */
export function clientError(
  action: "create" | "exec",
  thrown: unknown,
  paths: ReadonlyMap<string, string> = new Map(),
): RpcError {
  const error = RpcError.from(thrown);
  // Only a failure of libcrun's is put in other words; the state of a container and a lost VM are told as they are.
  if (error.code !== Code.Internal) return error;
  let { message } = error;
  for (const [inGuest, given] of paths) message = message.replaceAll(inGuest, given);
  const prefix = action === "exec" ? "OCI runtime exec failed: exec failed" : "OCI runtime create failed";
  return new RpcError(Code.Unknown, `${prefix}: unable to start container process: ${reason(message)}`, {
    cause: error,
  });
}

function reason(message: string): string {
  for (const [pattern, words] of RUNC_WORDS) {
    if (pattern.test(message)) return message.replace(pattern, words);
  }
  return `error during container init: ${message}`;
}
