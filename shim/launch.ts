import { closeSync, openSync } from "node:fs";
import type { Origin, OwnCopy } from "../vmm/processes.ts";
import type { Vm } from "../vmm/vm.ts";
import type { NetworkNamespace } from "../vmm/vm-config.ts";
import type { Template } from "./template.ts";

/** Starts a VM; `network` is another namespace than the configured one. */
export type Launch = (origin: Origin, network?: NetworkNamespace) => Promise<Vm>;

export interface Launched {
  /** QEMU runs, in its network namespace. */
  readonly vm: Vm;
  /** Resolves when its guest is ready, or that of the one that took its place. */
  readonly ready: Promise<Vm>;
}

/**
 * Starts a VM from `copy`, that of its template, or without if there is none. One that does not come of it is replaced by one that boots,
 * in the same network namespace, which others may have joined. `goesOn` tells whether anybody still wants it.
 */
export async function launchVm(
  template: Template,
  copy: OwnCopy | undefined,
  launch: Launch,
  goesOn: () => boolean,
): Promise<Launched> {
  const restored = copy && (await restore(template, copy, launch));
  if (restored === undefined) {
    const vm = await launch({});
    return { vm, ready: booted(template, vm) };
  }
  const namespace = openSync(`/proc/${restored.pid}/ns/net`, "r");
  const network = { kind: "path", path: `/proc/${process.pid}/fd/${namespace}` } as const;
  const ready = restored.ready.then(
    () => restored,
    async (error: Error) => {
      if (!goesOn()) throw error;
      template.failed(error);
      return booted(template, await launch({}, network));
    },
  );
  return { vm: restored, ready: ready.finally(() => closeSync(namespace)) };
}

/** Undefined if no VM comes of it. */
async function restore(template: Template, copy: OwnCopy, launch: Launch): Promise<Vm | undefined> {
  try {
    const vm = await launch({ copy });
    await vm.qmp.greeting.catch(() => vm.ready);
    return vm;
  } catch (error) {
    template.failed(error as Error);
    return undefined;
  }
}

/** When its guest is ready, the next one of its kind may have a template. */
async function booted(template: Template, vm: Vm): Promise<Vm> {
  await vm.ready;
  template.order();
  return vm;
}
