/** What a container's life takes, by the shim's own trace. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { useLab, VERSIONS } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { readEvents, removeTrace } from "./harness/trace.ts";

const directory = mkdtempSync(join(tmpdir(), "trace-"));
const path = join(directory, "trace.json");
process.env.MICROVM_TRACE = path;

afterAll(() => {
  delete process.env.MICROVM_TRACE;
  rmSync(directory, { recursive: true });
});

describe.each(VERSIONS)("containerd %s", (version) => {
  const lab = useLab(version);

  test("one Node serves a container from its start to its end, and each phase is told", async () => {
    removeTrace(path);
    const id = lab.freshId();
    await lab.containerd.mustCtr(["run", "--rm", "--runtime", microvm, IMAGE, id, "true"]);
    const bundle = join(lab.containerd.directory, "state/io.containerd.runtime.v2.task/default", id);
    await until(10_000, "containerd has cleaned up", () => (existsSync(bundle) ? undefined : true));
    const events = readEvents(path);
    const processes = events.filter(({ ph }) => ph === "M").map(({ args }) => args.name);
    expect(processes).toEqual([`shim daemon ${id}`]);
    const names = events.map(({ name }) => name);
    for (const phase of ["Node starts", "start", "QEMU starts", "call Hello", "Create", "Start", "Wait", "Delete"])
      expect(names).toContain(phase);
  });
});
