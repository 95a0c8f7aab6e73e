/** Clock and randomness of the guest. */
import { describe, expect, test } from "vitest";
import { IMAGE } from "./harness/image.ts";
import { type Lab, useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";

/** What a container's clock may differ from the host's, in milliseconds. */
const TOLERANCE_MS = 50;

describe("containerd 2.4", () => {
  const lab = useLab("2.4");

  async function withContainer(work: (id: string) => Promise<void>): Promise<void> {
    const id = lab.freshId();
    await lab.containerd.mustCtr(["run", "-d", "--runtime", microvm, IMAGE, id, "sleep", "1000"]);
    try {
      await work(id);
    } finally {
      await lab.containerd.ctr(["task", "rm", "-f", id]);
      await lab.containerd.ctr(["container", "rm", id]);
    }
  }

  /** Asks the guest between two looks at the host's clock; the difference is known to that time at most. */
  async function expectRightClock(id: string, n: number): Promise<void> {
    const before = Date.now();
    const { stdout } = await exec(lab, id, `clock${n}`, ["adjtimex"]);
    const after = Date.now();
    const number = (name: string) => Number(new RegExp(`time.tv_${name}:\\s+(\\d+)`).exec(stdout.toString())?.[1]);
    const guest = number("sec") * 1000 + number("usec") / 1000;
    expect(guest).toBeGreaterThan(before - TOLERANCE_MS);
    expect(guest).toBeLessThan(after + TOLERANCE_MS);
  }

  test("the clock is the host's at the start, and again after a pause", async () => {
    await withContainer(async (id) => {
      await expectRightClock(id, 1);
      await lab.containerd.mustCtr(["task", "pause", id]);
      const paused = Date.now();
      while (Date.now() - paused < 1_500) await lab.containerd.mustCtr(["task", "ls"]);
      await lab.containerd.mustCtr(["task", "resume", id]);
      await expectRightClock(id, 2);
    });
  });

  test("the random generator is seeded at first use, in each VM differently", async () => {
    const [first, second] = await Promise.all(
      [1, 2].map(() =>
        lab.run(["sh", "-c", "head -c 16 /dev/urandom | xxd -p; cat /proc/sys/kernel/random/entropy_avail"]),
      ),
    );
    const lines = [first, second].map((result) => result?.stdout.toString().trim().split("\n") ?? []);
    expect(lines.map(([, available]) => available)).toEqual(["256", "256"]);
    expect(lines[0]?.[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(lines[0]?.[0]).not.toBe(lines[1]?.[0]);
  });
});

function exec(lab: Lab, id: string, execId: string, args: readonly string[]) {
  return lab.containerd.mustCtr(["task", "exec", "--exec-id", execId, id, ...args]);
}
