import manifest from "../package.json" with { type: "json" };

export const RUNTIME_NAME = "io.containerd.microvm.v2";
export const VERSION: string = manifest.version;
