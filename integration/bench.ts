/** This runtime beside runc on one containerd: times of what clients do, memory of an idle container. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Memory, measureMemory } from "./bench/memory.ts";
import { measureNetwork } from "./bench/network.ts";
import { NAMES, type Name } from "./bench/runtimes.ts";
import { measureTimes, type Times, WORKLOADS, type Workload, withIdle } from "./bench/times.ts";
import { buildDir, type ContainerdVersion } from "./harness/paths.ts";
import { runApart, type Session, session } from "./harness/session.ts";

interface Measured {
  readonly workload: Pick<Workload, "title" | "bytes">;
  readonly times: Record<Name, Times>;
}

function options(): { runs: number; version: ContainerdVersion } {
  const { values } = parseArgs({
    options: { runs: { type: "string", default: "20" }, containerd: { type: "string", default: "2.4" } },
  });
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1) throw new Error(`--runs ${values.runs}: must be a whole number above 0`);
  if (values.containerd !== "1.6" && values.containerd !== "2.4") {
    throw new Error(`--containerd ${values.containerd}: must be 1.6 or 2.4`);
  }
  return { runs, version: values.containerd };
}

function table(rows: readonly (readonly (string | number)[])[]): string {
  const line = ([first = "", ...rest]: readonly (string | number)[]) =>
    String(first).padEnd(40) + rest.map((cell) => String(cell).padStart(12)).join("");
  return `${rows.map(line).join("\n")}\n`;
}

function timeTable(measured: readonly Measured[]): string {
  const ms = ({ median, min, max }: Times) => [median, min, max].map((value) => value.toFixed(0));
  const rate = (bytes: number, { median }: Times) => (bytes === 0 ? "" : (bytes / 1e3 / median).toFixed(0));
  const rows = measured.flatMap(({ workload: { title, bytes }, times }) =>
    NAMES.map((name) => [
      `${title}: ${name}`,
      ...ms(times[name]),
      (times[name].median / times.runc.median).toFixed(1),
      rate(bytes, times[name]),
    ]),
  );
  return table([["ms", "median", "min", "max", "ratio", "MB/s"], ...rows]);
}

function memoryTable(memory: Record<Name, Memory[]>): string {
  const mib = (kib: number) => (kib / 1024).toFixed(1);
  const rows = NAMES.flatMap((name) =>
    memory[name].map((each) => [`${name}: ${each.process}`, mib(each.pssKiB), mib(each.privateKiB)]),
  );
  return table([["one idle container, MiB", "PSS", "private"], ...rows]);
}

async function bench(current: Session, runs: number, version: ContainerdVersion): Promise<void> {
  const measured = await withIdle(current, async () => {
    const all: Measured[] = [];
    for (const workload of WORKLOADS) all.push({ workload, times: await measureTimes(current, workload, runs) });
    return all;
  });
  for (const { flow, times } of await measureNetwork(current, runs)) measured.push({ workload: flow, times });
  const memory = { runc: await measureMemory(current, "runc"), microvm: await measureMemory(current, "microvm") };
  process.stdout.write(`containerd ${version}, ${runs} runs of each\n\n${timeTable(measured)}\n${memoryTable(memory)}`);
  const times = Object.fromEntries(measured.map(({ workload, times }) => [workload.title, times]));
  const result = { containerd: version, runs, timesMs: times, memory };
  writeFileSync(join(buildDir, "bench.json"), `${JSON.stringify(result, null, 2)}\n`);
}

await runApart("bench", async () => {
  const { runs, version } = options();
  await session(version, (current) => bench(current, runs, version));
});
