/** Runs what is to be compared under one runtime, or under both, and judges what came out. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { IMAGE, makeRootfs } from "../harness/image.ts";
import { type Lab, visible } from "../harness/lab.ts";
import { microvm, runc, runtime } from "../harness/paths.ts";
import type { Comparison, Making, Outcome, Shared, Single } from "./case.ts";
import { difference } from "./differences.ts";
import { joinScripts, splitOutcome } from "./script.ts";
import { defaultSpec } from "./spec.ts";

/** A result under runc and one under the runtime under test. */
export interface Both<T> {
  readonly theirs: T;
  readonly ours: T;
}

/** Under runc first: what it refuses is a mistake of the comparison, found soonest. */
export async function both<T>(under: (runtime: string) => Promise<T>): Promise<Both<T>> {
  return { theirs: await under(runc), ours: await under(runtime) };
}

/** The outcome of each script of the group. */
export async function runShared(lab: Lab, group: Shared, name: string): Promise<Outcome[]> {
  const program = ["sh", "-c", joinScripts(group.scripts.map(({ script }) => script))];
  return splitOutcome(await runContainer(lab, group, program, name), group.scripts.length);
}

/** `pod`: the container's group, which has a container that runs already. */
export function runSingle(lab: Lab, single: Single, name: string, pod?: string): Promise<Outcome> {
  return runContainer(lab, inPod(single, pod), single.args, name, single.input);
}

const GROUP = "io.containerd.runc.v2.group";

function inPod(making: Making, pod: string | undefined): Making {
  if (pod === undefined) return making;
  return {
    flags: [...(making.flags ?? []), "--annotation", `${GROUP}=${pod}`],
    ...(making.prepare && { prepare: making.prepare }),
    ...((making.spec || making.prepare) && {
      spec: (spec, rootfs) => {
        spec.annotations = { [GROUP]: pod };
        making.spec?.(spec, rootfs);
      },
    }),
  };
}

async function runContainer(
  lab: Lab,
  making: Making,
  args: readonly string[],
  runtimeName: string,
  input?: Buffer | string,
): Promise<Outcome> {
  const flags = making.flags ?? [];
  if (!making.spec && !making.prepare) {
    return runCtr(lab, runtimeName, [...flags, IMAGE, lab.freshId(), ...args], input);
  }
  const id = lab.freshId();
  const directory = join(lab.containerd.directory, "bundle");
  const rootfs = join(directory, "rootfs");
  mkdirSync(directory);
  try {
    makeRootfs(rootfs);
    making.prepare?.(rootfs);
    const spec = defaultSpec(rootfs, args, id);
    making.spec?.(spec, rootfs);
    writeFileSync(join(directory, "config.json"), JSON.stringify(spec));
    const config = ["--config", join(directory, "config.json")];
    return await runCtr(lab, runtimeName, [...flags, ...config, id], input);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function runCtr(lab: Lab, runtimeName: string, args: string[], input?: Buffer | string): Promise<Outcome> {
  const client = lab.containerd.hold(["run", "--rm", "--runtime", runtimeName, ...args], {
    keepStdin: input !== undefined,
  });
  if (input !== undefined) {
    await client.printed("ready");
    client.stdin.end(input);
  }
  return visible(await client.done);
}

/** Throws, by the test library, what is not the same though it should be, or the same though it should not. */
export function judge(comparison: Comparison, { theirs, ours }: Both<Outcome>): void {
  const { same = (outcome: Outcome) => outcome, differs, expect: expected } = comparison;
  if (expected) expect(theirs, "runc's own outcome").toMatchObject(expected);
  const [left, right] = [same(ours), same(theirs)];
  if (!differs || runtime !== microvm) {
    expect(left).toEqual(right);
    return;
  }
  const [name, level] = differs;
  if (!difference(name).dependsOnHost) expect(left, `difference "${name}"`).not.toEqual(right);
  expect(level(left)).toEqual(level(right));
}
