/** The images that containerd's tests pull, made on the spot: alike in what the tests ask of them, and no more. */
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeRootfs, tar, writeLayout } from "../harness/image.ts";

/** Accounts of the real image of busybox that the tests name. */
const ACCOUNTS = { root: 0, sys: 3, "www-data": 33, backup: 34, nobody: 65534 };

/** Writes an OCI layout for each reference below `directory`; returns where each is. */
export function makeImages(directory: string): Map<string, string> {
  const base = layer(addBase);
  const extra = [1, 2].map((n) => layer((path) => writeFileSync(join(path, `layer-${n}`), `${n}\n`)));
  const images: Record<string, Buffer[]> = {
    "ghcr.io/containerd/busybox:1.36": [base],
    "ghcr.io/containerd/volume-copy-up:2.2": [base, ...extra],
    "ghcr.io/containerd/volume-ownership:2.1": [base, layer(addSetuid)],
  };
  return new Map(
    Object.entries(images).map(([reference, layers], index) => {
      const path = join(directory, String(index));
      writeLayout(path, reference, layers);
      return [reference, path];
    }),
  );
}

function layer(fill: (path: string) => void): Buffer {
  const path = mkdtempSync(join(tmpdir(), "layer-"));
  try {
    chmodSync(path, 0o755);
    fill(path);
    return tar(path);
  } finally {
    rmSync(path, { recursive: true });
  }
}

function addBase(path: string): void {
  makeRootfs(path);
  addNc(path);
  const lines = Object.entries(ACCOUNTS).map(([name, id]) => [
    `${name}:x:${id}:${id}::/:/bin/sh\n`,
    `${name}:x:${id}:\n`,
  ]);
  writeFileSync(join(path, "etc/passwd"), lines.map(([account]) => account).join(""));
  writeFileSync(join(path, "etc/group"), lines.map(([, group]) => group).join(""));
}

/** Process 1 ends by no signal that it does not handle, and Debian's nc handles none, unlike that of the real image. */
const NC = '#!/bin/sh\ntrap "kill \\$!; exit 143" TERM\nbusybox nc "$@" &\nwait $!\n';

function addNc(path: string): void {
  const nc = join(path, "bin/nc");
  unlinkSync(nc);
  writeFileSync(nc, NC, { mode: 0o755 });
}

/** The tests look at the set-user-id bit of passwd with a shell named bash. */
function addSetuid(path: string): void {
  for (const directory of ["bin", "usr/bin"]) mkdirSync(join(path, directory), { recursive: true });
  writeFileSync(join(path, "bin/bash"), '#!/bin/sh\nexec sh "$@"\n', { mode: 0o755 });
  const passwd = join(path, "usr/bin/passwd");
  copyFileSync("/usr/bin/busybox", passwd);
  chmodSync(passwd, 0o4755);
}
