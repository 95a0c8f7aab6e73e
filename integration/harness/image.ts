/** OCI images made on the spot from busybox-static: no registry is asked for anything. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const IMAGE = "docker.io/library/microvm-test:latest";
export const LAYERED_IMAGE = "docker.io/library/microvm-layers:latest";

const BUSYBOX = "/usr/bin/busybox";

/** A root file system with busybox and all its applets. */
export function makeRootfs(path: string): void {
  for (const directory of ["bin", "etc", "proc", "sys", "dev", "tmp", "root", "run"]) {
    mkdirSync(join(path, directory), { recursive: true });
  }
  copyFileSync(BUSYBOX, join(path, "bin/busybox"));
  for (const applet of execFileSync(BUSYBOX, ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(path, "bin", applet));
  }
  writeFileSync(join(path, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n");
  writeFileSync(join(path, "etc/group"), "root:x:0:\nnogroup:x:65534:\n");
}

/** Writes an OCI layout as a tar to `output`; above busybox it has `extraLayers` layers of one small file each. */
export function makeImage(output: string, name: string, extraLayers = 0): void {
  const work = mkdtempSync(join(tmpdir(), "image-"));
  try {
    const base = join(work, "base");
    makeRootfs(base);
    const layers = [tar(base)];
    for (let n = 0; n < extraLayers; n++) {
      const directory = join(work, `layer-${n}`);
      mkdirSync(join(directory, "layers"), { recursive: true });
      writeFileSync(join(directory, "layers", String(n)), `${n}\n`);
      layers.push(tar(directory));
    }
    writeLayout(join(work, "layout"), name, layers);
    writeFileSync(output, tar(join(work, "layout")));
  } finally {
    rmSync(work, { recursive: true });
  }
}

/** All of a directory, as root's files, without their times. */
export function tar(directory: string): Buffer {
  const args = [
    "--sort=name",
    "--mtime=@0",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "-C",
    directory,
    "-cf",
    "-",
    ".",
  ];
  return execFileSync("tar", args, { maxBuffer: 1 << 30 });
}

/** Writes an OCI layout with one image of these layers to the directory `path`. */
export function writeLayout(path: string, name: string, layers: Buffer[]): void {
  mkdirSync(join(path, "blobs/sha256"), { recursive: true });
  const blob = (content: Buffer | object, mediaType: string) => {
    const bytes = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
    const digest = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(path, "blobs/sha256", digest), bytes);
    return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
  };
  const oci = "application/vnd.oci.image";
  const descriptors = layers.map((layer) => blob(layer, `${oci}.layer.v1.tar`));
  const config = blob(
    {
      architecture: "amd64",
      os: "linux",
      config: { Env: ["PATH=/bin"], Cmd: ["sh"] },
      rootfs: { type: "layers", diff_ids: descriptors.map(({ digest }) => digest) },
    },
    `${oci}.config.v1+json`,
  );
  const manifest = blob(
    { schemaVersion: 2, mediaType: `${oci}.manifest.v1+json`, config, layers: descriptors },
    `${oci}.manifest.v1+json`,
  );
  const annotations = { "io.containerd.image.name": name, "org.opencontainers.image.ref.name": "latest" };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  writeFileSync(join(path, "index.json"), JSON.stringify(index));
  writeFileSync(join(path, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}
