import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { templateKey } from "../vmm/template-key.ts";
import { makeTemplate } from "../vmm/template-make.ts";
import { TemplateStore } from "../vmm/template-store.ts";
import type { VmConfig } from "../vmm/vm-config.ts";
import type { Spec } from "./bundle.ts";
import { NO_OPTIONS, vmSettings } from "./options.ts";
import { thisProgram, vmConfig } from "./sandbox-config.ts";
import { STATE_ROOT, StateDir } from "./state-dir.ts";

export const TEMPLATES = "/var/lib/microvm/templates";
/** A list of `VmConfig` as JSON: what templates are wanted for. Only the holder of the lock has it. */
const TEMPLATE_VARIABLE = "MICROVM_TEMPLATE";

/** No namespace begins with a dot. */
const NAMESPACE = ".template";
/** A VM of another size or with other devices has another template. */
const LIMITS = { count: 16, bytes: 2 * 1024 ** 3 };

/**
 * Runs the `template` action for some VMs, with nobody else at it. In the background it gives up without a word if somebody
 * is: whoever it is makes the same one, or the next VM orders again. It leaves the processor to others then, and outlives
 * this process.
 */
export function startMaker(configs: readonly VmConfig[], background: boolean): ChildProcess {
  mkdirSync(TEMPLATES, { recursive: true, mode: 0o700 });
  const lock = [...(background ? ["--nonblock"] : []), join(TEMPLATES, ".lock")];
  const [program = "", ...args] = [
    ...(background ? ["nice"] : []),
    "flock",
    "--no-fork",
    ...lock,
    thisProgram(),
    "template",
  ];
  return spawn(program, args, {
    detached: background,
    cwd: "/",
    stdio: background ? ["ignore", "ignore", "pipe"] : ["ignore", "inherit", "inherit"],
    env: { ...process.env, [TEMPLATE_VARIABLE]: JSON.stringify(configs) },
  });
}

/** The `template` action: makes what is missing of the templates that are wanted; called by a person, of the usual ones. */
export async function templateAction(): Promise<void> {
  const wanted = process.env[TEMPLATE_VARIABLE];
  if (wanted === undefined) return runLocked();
  delete process.env[TEMPLATE_VARIABLE];
  // Nobody else is at it: what is there, one that was killed has left.
  rmSync(join(STATE_ROOT, NAMESPACE), { recursive: true, force: true });
  const store = new TemplateStore(TEMPLATES);
  for (const config of JSON.parse(wanted) as VmConfig[]) await makeMissing(config, store);
  store.prune(LIMITS);
}

async function makeMissing(given: VmConfig, store: TemplateStore): Promise<void> {
  const key = templateKey(given);
  if (usable(store, key)) return;
  const stateDir = new StateDir(NAMESPACE, key);
  stateDir.create();
  try {
    const { sharedDir, runDir, uid } = stateDir;
    const volumesDir = given.volumesDir === undefined ? undefined : stateDir.volumesDir;
    await makeTemplate(key, { ...given, sharedDir, volumesDir, runDir, uid, network: { kind: "new" } }, store);
  } finally {
    stateDir.remove();
  }
}

function usable(store: TemplateStore, key: string): boolean {
  try {
    const template = store.open(key);
    template?.close();
    return template !== undefined;
  } catch {
    return false;
  }
}

/** Of the configured size, with and without volumes. */
async function runLocked(): Promise<void> {
  const [code] = await once(startMaker(usualConfigs(), false), "exit");
  if (code !== 0) throw new Error("no template was made");
}

function usualConfigs(): VmConfig[] {
  const settings = vmSettings(NO_OPTIONS, {}, (message) => process.stderr.write(`${message}\n`));
  const spec: Spec = { linux: { namespaces: [{ type: "network" }] } };
  const config = vmConfig(spec, settings, new StateDir(NAMESPACE, "usual"));
  return [config, { ...config, volumesDir: "/nowhere" }];
}
