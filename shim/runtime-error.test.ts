import { expect, test } from "vitest";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { clientError } from "./runtime-error.ts";

const failure = (message: string) => new RpcError(Code.Internal, message);

test.each([
  [
    "executable file `sh$1` not found in $PATH: No such file or directory",
    'exec: "sh$1": executable file not found in $PATH',
  ],
  [
    "executable file `/no/such` not found: No such file or directory",
    'exec: "/no/such": stat /no/such: no such file or directory',
  ],
  ["the path `/etc` exists but it is not executable: Operation not permitted", 'exec: "/etc": permission denied'],
  ["the path `/etc` is not a regular file: Operation not permitted", 'exec: "/etc": permission denied'],
  ["mount `x`: Invalid argument", "error during container init: mount `x`: Invalid argument"],
])("%s", (libcrun, runc) => {
  const error = clientError("create", failure(libcrun));
  expect(error.message).toBe(`OCI runtime create failed: unable to start container process: ${runc}`);
  expect(error.code).toBe(Code.Unknown);
});

test("an exec is told apart", () => {
  expect(clientError("exec", failure("x")).message).toMatch(/^OCI runtime exec failed: exec failed: unable to start/);
});

test("what is no failure of libcrun's stays as it is", () => {
  const error = new RpcError(Code.FailedPrecondition, "cannot start: container c is stopped");
  expect(clientError("exec", error)).toBe(error);
});

test("a path is told as the client gave it", () => {
  const error = failure("mount `/run/shared/c/rootfs`: Not a directory");
  const { message } = clientError("create", error, new Map([["/run/shared/c/rootfs", "/etc/passwd"]]));
  expect(message).toMatch(/mount `\/etc\/passwd`: Not a directory$/);
});
