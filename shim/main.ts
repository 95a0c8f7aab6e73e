import { traced, traceProcess } from "../proto/trace.ts";
import { daemon } from "./daemon.ts";
import { DAEMON_VARIABLE } from "./daemon-parameters.ts";
import { deleteAction } from "./delete.ts";
import { parseFlags } from "./flags.ts";
import { infoResponse } from "./info.ts";
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
    case "start":
      return start(flags);
    case "delete":
      return deleteAction(flags);
    case "template":
      return templateAction();
    case "daemon":
      if (process.env[DAEMON_VARIABLE] !== undefined) return daemon();
      break;
  }
  throw new Error(
    `unknown action "${flags.action}": containerd runs this program with start or delete; see -v and -info`,
  );
}

function print(output: string | Uint8Array): Promise<void> {
  return new Promise((resolve) => process.stdout.write(output, () => resolve()));
}

traced("main", () => main(process.argv.slice(2))).then(
  () => {
    // `start` holds a listening socket open: only an explicit end lets containerd go on, and keeps the path.
    if (process.env[DAEMON_VARIABLE] === undefined && !process.argv.includes("daemon")) process.exit(0);
  },
  (error: Error) => {
    process.stderr.write(`${error.message}\n`, () => process.exit(1));
  },
);
