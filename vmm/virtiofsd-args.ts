/**
 * The command line of virtiofsd (the Rust program, 1.10 or later), without the program's name.
 *
 * The root file system belongs to one container alone, so the guest may cache it as long as it likes. Submounts are
 * announced, so that two file systems below the shared directory cannot be taken for one by their inode numbers.
 */
export function virtiofsdArgs(sharedDir: string, socketPath: string): string[] {
  return [
    `--socket-path=${socketPath}`,
    `--shared-dir=${sharedDir}`,
    "--sandbox=namespace",
    "--cache=always",
    "--announce-submounts",
    "--xattr",
    "--inode-file-handles=prefer",
    "--log-level=error",
  ];
}
