import { join } from "node:path";
import { nameDigest } from "../vmm/digest.ts";

/** Longest path that fits in sun_path with its terminator, less what abstract prefixes may need. */
const LIMIT = 106;
const DEFAULT_DIRECTORY = "/run/containerd/s";

/**
 * Where the shim listens: containerd's own rule, so that it and its tests find the socket. One path per containerd,
 * namespace and group (or container, if it has no group).
 */
export function socketPath(address: string, namespace: string, group: string, directory = DEFAULT_DIRECTORY): string {
  const name = nameDigest(join(address, namespace, group));
  const path = join(directory === "" ? DEFAULT_DIRECTORY : directory, name);
  if (path.length > LIMIT) throw new Error(`socket path ${path} is longer than ${LIMIT} characters`);
  return path;
}
