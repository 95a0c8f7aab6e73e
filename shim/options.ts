import type { Any } from "../proto/containerd/any.ts";
import type { StartInput } from "../proto/containerd/bootstrap.ts";
import { unpackRuncOptions, unpackRuntimeOptions } from "../proto/containerd/messages.ts";
import { applyAnnotations } from "./annotations.ts";
import type { Level } from "./log.ts";
import { DEFAULT_SETTINGS_PATH, DEFAULTS, parseSettings, readSettings, type Settings } from "./settings.ts";

/** What containerd's runtime options say, whichever way they came. */
export interface RuntimeOptions {
  /** Path of a file in the form of the configuration; empty for none. */
  readonly configPath: string;
  /** The same as text; counts only without a path. */
  readonly configBody: string;
  /** The cgroup of the shim itself; empty for none. */
  readonly shimCgroup: string;
  /** Lines for the log, which does not exist yet when the options are read. */
  readonly notes: readonly Note[];
}

export interface Note {
  readonly level: Level;
  readonly text: string;
}

export const NO_OPTIONS: RuntimeOptions = { configPath: "", configBody: "", shimCgroup: "", notes: [] };

/** The options on the standard input of `start`: alone up to containerd 2.2, among the extensions from 2.3 on. */
export function startOptions(input: StartInput): RuntimeOptions {
  switch (input.kind) {
    case "empty":
      return NO_OPTIONS;
    case "options":
      return decodeOptions(input.options);
    case "bootstrap":
      return input.params.extensions.map(decodeOptions).reduce(merge, NO_OPTIONS);
  }
}

/** Lines about the options of Create: the VM boots before, with those of `start`. */
export function lateNotes(any: Any, start: RuntimeOptions): readonly Note[] {
  const { configPath, configBody, notes } = decodeOptions(any);
  if (notes.some(({ level }) => level === "warning")) return notes;
  const same = configPath === start.configPath && configBody === start.configBody;
  if (same || (configPath === "" && configBody === "")) return [];
  return [
    { level: "warning", text: "runtime options that came with the task are ignored: the VM has those of its start" },
  ];
}

/** Never throws: options of an unknown type, or that cannot be read, are a line in the log. */
export function decodeOptions(any: Any): RuntimeOptions {
  if (any.type_url === "" && any.value.length === 0) return NO_OPTIONS;
  try {
    const ours = unpackRuntimeOptions(any);
    if (ours !== undefined) {
      const { configPath } = ours;
      return { ...NO_OPTIONS, configPath, configBody: configPath ? "" : Buffer.from(ours.configBody).toString("utf8") };
    }
    const { shimCgroup, ...runc } = unpackRuncOptions(any) ?? { shimCgroup: undefined };
    if (shimCgroup !== undefined) return { ...NO_OPTIONS, shimCgroup, notes: runcNotes(runc) };
    return note("warning", `runtime options of the unknown type "${any.type_url.slice(0, 200)}" are ignored`);
  } catch (error) {
    return note("warning", `runtime options ${any.type_url.slice(0, 200)} cannot be read: ${(error as Error).message}`);
  }
}

function runcNotes(options: object): Note[] {
  const names = Object.entries(options).flatMap(([name, value]) => (value ? [name] : []));
  if (names.length === 0) return [];
  return [{ level: "debug", text: `options for runc mean nothing to this runtime: ${names.join(", ")}` }];
}

function note(level: Level, text: string): RuntimeOptions {
  return { ...NO_OPTIONS, notes: [{ level, text }] };
}

function merge(one: RuntimeOptions, other: RuntimeOptions): RuntimeOptions {
  return {
    configPath: other.configPath || one.configPath,
    configBody: other.configBody || one.configBody,
    shimCgroup: other.shimCgroup || one.shimCgroup,
    notes: [...one.notes, ...other.notes],
  };
}

/**
 * The settings of a VM, each source overriding those before it key by key: the defaults, the configuration file
 * (`MICROVM_CONFIG` names another one, which must exist then), the runtime options, the annotations. Throws an Error
 * that names the source and the key.
 */
export function vmSettings(
  options: RuntimeOptions,
  annotations: Readonly<Record<string, string>>,
  warn: (message: string) => void,
): Settings {
  const given = process.env.MICROVM_CONFIG ?? "";
  let settings = readSettings(DEFAULTS, given || DEFAULT_SETTINGS_PATH, given === "", warn);
  if (options.configPath !== "") settings = readSettings(settings, options.configPath, false, warn);
  else settings = parseSettings(settings, options.configBody, "runtime options", warn);
  return applyAnnotations(settings, annotations, warn);
}
