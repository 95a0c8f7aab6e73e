/** The configuration file of a private containerd: everything below one directory, and only the plugins we use. */
import { join } from "node:path";
import type { ContainerdVersion } from "./paths.ts";

const unused = {
  "1.6": [
    "io.containerd.grpc.v1.cri",
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.internal.v1.tracing",
  ],
  "2.4": [
    "io.containerd.cri.v1.images",
    "io.containerd.cri.v1.runtime",
    "io.containerd.grpc.v1.cri",
    "io.containerd.podsandbox.controller.v1.podsandbox",
    "io.containerd.nri.v1.nri",
    "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.blockfile",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.erofs",
    "io.containerd.snapshotter.v1.zfs",
    "io.containerd.tracing.processor.v1.otlp",
    "io.containerd.internal.v1.tracing",
  ],
} as const satisfies Record<ContainerdVersion, readonly string[]>;

export interface ContainerdPaths {
  root: string;
  state: string;
  socket: string;
  ttrpc: string;
}

export function containerdPaths(dir: string): ContainerdPaths {
  return { root: join(dir, "root"), state: join(dir, "state"), socket: join(dir, "c.sock"), ttrpc: join(dir, "t.sock") };
}

export function containerdConfig(version: ContainerdVersion, paths: ContainerdPaths): string {
  const quote = JSON.stringify;
  return `version = ${version === "1.6" ? 2 : 3}
root = ${quote(paths.root)}
state = ${quote(paths.state)}
disabled_plugins = ${quote(unused[version])}

[grpc]
address = ${quote(paths.socket)}

[ttrpc]
address = ${quote(paths.ttrpc)}

[debug]
level = "debug"

# Collect after every removal, so that what a removed container leaves behind shows at once.
[plugins."io.containerd.gc.v1.scheduler"]
deletion_threshold = 1
startup_delay = "1ms"
`;
}
