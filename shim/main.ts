import { traced, traceProcess } from "../proto/trace.ts";
import { daemon } from "./daemon.ts";
import { deleteAction } from "./delete.ts";
import { parseFlags } from "./flags.ts";
import { infoResponse } from "./info.ts";
import { isLaunched, refuse } from "./launcher.ts";
import { start } from "./start.ts";
import { templateAction } from "./template-action.ts";
import { RUNTIME_NAME, VERSION } from "./version.ts";

/** containerd reads standard error together with standard output: nothing but an error may ever be printed there. */
process.removeAllListeners("warning");

async function main(args: readonly string[]): Promise<void> {
  const flags = parseFlags(args);
  if (flags.action) traceProcess(`shim ${flags.action} ${flags.id}`);
  if (flags.version) return print(`${process.argv0}:\n  Runtime: ${RUNTIME_NAME}\n  Version: ${VERSION}\n`);
  if (flags.info) return print(infoResponse());
  switch (flags.action) {
    case "delete":
      return deleteAction(flags);
    case "template":
      return templateAction();
  }
  throw new Error(
    `unknown action "${flags.action}": containerd runs containerd-shim-microvm-v2 with start or delete; see -v and -info`,
  );
}

/** Does what `start` is to do, and goes on as the daemon unless there is one. Ends this process if that fails. */
async function launched(args: readonly string[]): Promise<void> {
  try {
    const flags = parseFlags(args);
    traceProcess(`shim daemon ${flags.id}`);
    const begun = await traced("start", () => start(flags));
    if (begun === undefined) process.exit(0);
    daemon(begun);
  } catch (error) {
    refuse(error as Error);
    process.exit(1);
  }
}

function print(output: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(output, () => resolve()));
}

const [action, ...rest] = process.argv.slice(2);
if (action === "daemon" && isLaunched()) {
  launched(rest);
} else {
  traced("main", () => main(process.argv.slice(2))).then(
    () => process.exit(0),
    (error: Error) => process.stderr.write(`${error.message}\n`, () => process.exit(1)),
  );
}
