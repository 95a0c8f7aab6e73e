import manifest from "../package.json" with { type: "json" };

export const RUNTIME_NAME = "io.containerd.microvm.v2";
export const VERSION: string = manifest.version;

/** What the flag -v prints, as containerd's own shims do. */
export function versionText(program: string): string {
  return `${program}:\n  Runtime: ${RUNTIME_NAME}\n  Version: ${VERSION}\n`;
}
