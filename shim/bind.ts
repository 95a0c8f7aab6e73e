import { resolve } from "node:path";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { groupOf, type Spec, type SpecMount } from "./bundle.ts";

/** A bind mount of config.json: something of the host that the container sees, a volume. */
export interface Bind {
  /** Absolute. */
  readonly source: string;
  readonly destination: string;
  /** With what is mounted below the source when the container is created. */
  readonly recursive: boolean;
  /** What the host mounts below the source later appears in the container, too. */
  readonly follows: boolean;
  /** As they are in config.json. */
  readonly options: readonly string[];
}

export function isBind({ type, options = [] }: SpecMount): boolean {
  return type === "bind" || options.includes("bind") || options.includes("rbind");
}

/** Devices cannot be added to a VM that runs, and the later containers of a pod may bring volumes. */
export function mayHaveVolumes(spec: Spec): boolean {
  return (spec.mounts ?? []).some(isBind) || groupOf(spec, "") !== "";
}

/** The bind mounts of a container in their order. Pure. Throws Unimplemented for what a VM cannot give. */
export function bindsOf(spec: Spec, bundle: string): Bind[] {
  return (spec.mounts ?? []).filter(isBind).map((mount) => {
    checkOptions(mount);
    const { source = "", destination, options = [] } = mount;
    return {
      // As runc does it: config.json's own paths are relative to the bundle.
      source: resolve(bundle, source),
      destination,
      recursive: options.includes("rbind"),
      follows: !options.some((option) => /^r?(private|unbindable)$/.test(option)),
      options,
    };
  });
}

function checkOptions({ source = "", options = [], ...mount }: SpecMount): void {
  const refuse = (why: string) => {
    throw new RpcError(Code.Unimplemented, `cannot mount "${source}" at "${mount.destination}": ${why}`);
  };
  if (options.some((option) => /^r?shared$/.test(option)))
    refuse("what a VM mounts does not reach the host, so no mount is shared with it; rslave works");
  if (mount.uidMappings?.length || mount.gidMappings?.length || options.some((option) => /^r?idmap\b/.test(option)))
    refuse("idmapped mounts are not supported");
}
