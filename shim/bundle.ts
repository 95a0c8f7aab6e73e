import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Device } from "./devices.ts";

/** A config.json is small; one of this size is not one. */
const MAX_SPEC_BYTES = 4 * 1024 * 1024;

/** The parts of the OCI runtime specification's config.json that the shim itself reads. */
export interface Spec {
  ociVersion?: string;
  hostname?: string;
  root?: { path?: string; readonly?: boolean };
  process?: ProcessSpec;
  mounts?: SpecMount[];
  annotations?: Record<string, string>;
  hooks?: Partial<Record<HookName, Hook[]>>;
  linux?: {
    namespaces?: { type: string; path?: string }[];
    resources?: Resources;
    devices?: Device[];
    cgroupsPath?: string;
    mountLabel?: string;
    [key: string]: unknown;
  };
  [key: string]: unknown;
}

/** `process` of config.json, and what an exec is made of. */
export interface ProcessSpec {
  apparmorProfile?: string;
  selinuxLabel?: string;
  terminal?: boolean;
  args?: string[];
  cwd?: string;
  user?: { uid?: number };
  [key: string]: unknown;
}

export interface SpecMount {
  destination: string;
  type?: string;
  source?: string;
  options?: string[];
  uidMappings?: object[];
  gidMappings?: object[];
}

export interface Resources {
  devices?: { allow?: boolean; type?: string; major?: number; minor?: number; access?: string }[];
  memory?: { limit?: number; swap?: number; [key: string]: unknown };
  cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string; [key: string]: unknown };
  [key: string]: unknown;
}

export type HookName = "prestart" | "createRuntime" | "createContainer" | "startContainer" | "poststart" | "poststop";

export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  timeout?: number;
}

/** Annotations that put several containers into one VM, the first that is set. */
const GROUP_ANNOTATIONS = ["io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"];

/** Reads BUNDLE/config.json. Throws an Error with the path and what is wrong. */
export function readSpec(bundle: string): Spec {
  const path = join(bundle, "config.json");
  const text = readFileSync(path);
  if (text.length > MAX_SPEC_BYTES) throw new Error(`${path}: larger than ${MAX_SPEC_BYTES} bytes`);
  let spec: unknown;
  try {
    spec = JSON.parse(text.toString("utf8"));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`, { cause: error });
  }
  if (typeof spec !== "object" || spec === null || Array.isArray(spec)) throw new Error(`${path}: no JSON object`);
  return spec as Spec;
}

/** The id of the VM that a container belongs to: its group's, or its own. */
export function groupOf(spec: Spec, id: string): string {
  for (const name of GROUP_ANNOTATIONS) {
    const group = spec.annotations?.[name];
    if (group !== undefined && group !== "") return checkId(group);
  }
  return id;
}

/** containerd's rule for identifiers; they become parts of paths here. Throws for anything else. */
export function checkId(id: string): string {
  if (id.length > 76 || !/^[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*$/.test(id)) {
    throw new Error(`"${id.slice(0, 80)}" is not a valid identifier`);
  }
  return id;
}

/** What a process list shows of a process; of unread JSON, so nothing is trusted. */
export function identity({ args, user }: ProcessSpec): { uid: number; argv: string[] } {
  const uid = user?.uid;
  return {
    uid: Number.isInteger(uid) && (uid as number) >= 0 && (uid as number) < 2 ** 32 - 1 ? (uid as number) : 0,
    argv: Array.isArray(args) ? args.map(String) : [],
  };
}
