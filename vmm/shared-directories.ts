import { SHARED_TAG, VOLUMES_TAG } from "./qemu-args.ts";
import type { CachePolicy } from "./virtiofsd-args.ts";
import type { VmConfig } from "./vm-config.ts";

/** The directory that one virtiofsd serves. */
export interface SharedDirectory {
  readonly tag: string;
  readonly directory: string;
  readonly cache: CachePolicy;
}

/** The directories that the guest sees, and how each may be cached there. */
export function sharedDirectories({ sharedDir, volumesDir }: VmConfig): SharedDirectory[] {
  const shared = { tag: SHARED_TAG, directory: sharedDir, cache: "always" } as const;
  return volumesDir === undefined ? [shared] : [shared, { tag: VOLUMES_TAG, directory: volumesDir, cache: "never" }];
}
