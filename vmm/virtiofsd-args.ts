/** What the guest may keep of a directory's files without asking again. */
export type CachePolicy = "always" | "never";

/**
 * The command line of virtiofsd (the Rust program, 1.11 or later), without the program's name.
 *
 * "always" is for what one container alone changes: its root file system. With "never" every access asks the host, so
 * a change on either side is seen on the other at once; files can be mapped shared all the same, and what is mapped is
 * read from the host when it is mapped.
 *
 * Submounts are announced, so that two file systems below the directory cannot be taken for one by their inode numbers.
 */
export function virtiofsdArgs(directory: string, socketFd: number, cache: CachePolicy): string[] {
  return [
    `--fd=${socketFd}`,
    `--shared-dir=${directory}`,
    "--sandbox=namespace",
    `--cache=${cache}`,
    ...(cache === "never" ? ["--allow-mmap"] : []),
    "--allow-direct-io",
    "--announce-submounts",
    "--xattr",
    "--posix-acl",
    "--killpriv-v2",
    "--inode-file-handles=prefer",
    "--log-level=error",
  ];
}
