import { execFile } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const { O_RDONLY, O_WRONLY, O_RDWR, O_NONBLOCK } = constants;

/** Both ends of a pipe, as descriptors that no child inherits unless it is given them. */
export interface Pipe {
  readonly reader: number;
  readonly writer: number;
}

/** Which end stays here and so must not block; the other one blocks, as programs expect of a pipe. */
export type OwnEnd = "reader" | "writer";

/**
 * Pipes for a child. Node cannot make any; what it gives children are sockets, and those have no /dev/fd/N. `directory`
 * is one that only root can write. The pipes are made as fifos there, whose names are gone when this resolves. Only one
 * thing is not as with pipe(2): a child that opens /dev/fd/N anew when the writer is gone waits, where it would see the
 * end.
 */
export async function openPipes<const Ends extends readonly OwnEnd[]>(
  directory: string,
  ownEnds: Ends,
): Promise<{ [Each in keyof Ends]: Pipe }> {
  const temporary = mkdtempSync(join(directory, "pipes-"));
  try {
    const paths = ownEnds.map((_, n) => join(temporary, String(n)));
    await promisify(execFile)("mkfifo", ["-m", "0600", "--", ...paths]);
    return openAll(paths, ownEnds) as { [Each in keyof Ends]: Pipe };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function openAll(paths: readonly string[], ownEnds: readonly OwnEnd[]): Pipe[] {
  using undo = new DisposableStack();
  const pipes = paths.map((path, n) => {
    const pipe = openPipe(path, ownEnds[n] === "reader");
    undo.defer(() => closePipe(pipe));
    return pipe;
  });
  undo.move();
  return pipes;
}

function openPipe(path: string, readerIsOurs: boolean): Pipe {
  // While this one is open, neither of the others has to wait for its peer.
  const both = openSync(path, O_RDWR | O_NONBLOCK);
  try {
    const reader = openSync(path, O_RDONLY | (readerIsOurs ? O_NONBLOCK : 0));
    const writer = openSync(path, O_WRONLY | (readerIsOurs ? 0 : O_NONBLOCK));
    return { reader, writer };
  } finally {
    closeSync(both);
  }
}

export function closePipe(pipe: Pipe): void {
  closeSync(pipe.reader);
  closeSync(pipe.writer);
}
