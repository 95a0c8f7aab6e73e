/** A container by a config.json of its own: what no flag of ctr asks for. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeRootfs } from "./image.ts";
import type { Lab } from "./lab.ts";

/** What tests change of a config.json. */
export interface Config {
  process: { args: string[]; env: string[]; [key: string]: unknown };
  root: { path: string };
  annotations?: Record<string, string>;
  hooks?: Record<string, unknown>;
  mounts: { destination: string; type: string; source: string; options: string[] }[];
  linux: {
    cgroupsPath: string;
    resources: Record<string, unknown>;
    namespaces: { type: string; path?: string }[];
    seccomp?: unknown;
  };
}

/** containerd's own default with a root file system of its own, changed by `edit`. The path of the file. */
export async function writeConfig(lab: Lab, edit: (config: Config) => void): Promise<string> {
  const directory = mkdtempSync(join(lab.containerd.directory, "config-"));
  const { stdout } = await lab.containerd.mustCtr(["oci", "spec"]);
  const config = JSON.parse(stdout.toString()) as Config;
  config.root = { path: join(directory, "rootfs") };
  makeRootfs(config.root.path);
  config.process.env = ["PATH=/bin"];
  // ctr's own is that of all containers together.
  config.linux.cgroupsPath += `/${lab.freshId()}`;
  edit(config);
  const path = join(directory, "config.json");
  writeFileSync(path, JSON.stringify(config));
  return path;
}
