/** What every test file begins with: a containerd with the images, and the checks that hold for every test. */
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import type { CommandOptions, Result } from "./command.ts";
import { Containerd } from "./containerd.ts";
import { IMAGE, makeImage } from "./image.ts";
import { type ContainerdVersion, runToken, runtime } from "./paths.ts";
import { nothingRemains, takeStock } from "./remains.ts";

export const VERSIONS: ContainerdVersion[] = ["1.6", "2.4"];

export interface Lab {
  readonly containerd: Containerd;
  /** A container id that no test has used. */
  freshId(): string;
  /** `ctr run --rm` of the test image under the runtime under test, or another one. */
  run(args: readonly string[], options?: RunOptions): Promise<Result>;
}

export interface RunOptions extends CommandOptions {
  readonly runtime?: string;
  /** Flags of `ctr run`, before the image. */
  readonly flags?: readonly string[];
  readonly image?: string;
}

/** To be called in a `describe`. Nothing may remain after any of its tests. */
export function useLab(version: ContainerdVersion, settings = "", mayPanic = false, level = "info"): Lab {
  let containerd: Containerd | undefined;
  let before: Set<string>;
  let count = 0;
  const get = () => {
    if (containerd === undefined) throw new Error("containerd does not run");
    return containerd;
  };
  beforeAll(async () => {
    containerd = await Containerd.start(version, settings, undefined, level);
    const archive = join(containerd.directory, "image.tar");
    makeImage(archive, IMAGE);
    await containerd.mustCtr(["image", "import", archive]);
  });
  beforeEach(() => {
    before = takeStock();
  });
  afterEach(async ({ task }) => {
    const log = get().logText;
    if (task.result?.state === "fail") {
      process.stderr.write(`${log.slice(-6000)}\n`);
      // It stands in the way of those that come: they find processes by their names.
      await get().removeAll();
    }
    await nothingRemains(before);
    expect(log).not.toMatch(mayPanic ? /Oops:/ : /Kernel panic|Oops:/);
  });
  afterAll(async () => containerd?.stop());
  const freshId = () => `t${runToken}-${++count}`;
  return {
    get containerd() {
      return get();
    },
    freshId,
    run(args, { runtime: name = runtime, flags = [], image = IMAGE, ...options } = {}) {
      return get().ctr(["run", "--rm", "--runtime", name, ...flags, image, freshId(), ...args], options);
    },
  };
}

/** What of a result two runtimes must have in common. */
export function visible(result: Result): { code: number | null; stdout: string; stderr: string } {
  // ctr 2.x warns of the machine's cgroup version.
  const stderr = result.stderr.toString("latin1").replaceAll(/^.*DEPRECATION.*\n/gm, "");
  return { code: result.code, stdout: result.stdout.toString("latin1"), stderr };
}
