/** This runtime beside runc on one containerd: times of what clients do, memory of an idle container, phases of a start. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBridge, measureCrowd } from "./bench/crowd.ts";
import { measureIdle, measureLeak } from "./bench/many.ts";
import { measureMemory } from "./bench/memory.ts";
import { measureNetwork } from "./bench/network.ts";
import { measurePhases } from "./bench/phases.ts";
import { measureShares } from "./bench/share.ts";
import { type Measured, memoryTable, phaseTable, shareTable, table, timeTable } from "./bench/tables.ts";
import { measureTimes, WORKLOADS, withIdle } from "./bench/times.ts";
import { buildDir, type ContainerdVersion } from "./harness/paths.ts";
import { runApart, type Session, session } from "./harness/session.ts";

interface Options {
  readonly runs: number;
  readonly starts: number;
  readonly idle: number;
  readonly containerd: ContainerdVersion;
}

function options(): Options {
  const text = (value: string) => ({ type: "string", default: value }) as const;
  const { values } = parseArgs({
    options: { runs: text("20"), starts: text("0"), idle: text("0"), containerd: text("2.4") },
  });
  const { containerd } = values;
  if (containerd !== "1.6" && containerd !== "2.4") throw new Error(`--containerd ${containerd}: must be 1.6 or 2.4`);
  const number = (name: "runs" | "starts" | "idle", min: number) => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < min)
      throw new Error(`--${name} ${values[name]}: must be a number from ${min}`);
    return value;
  };
  return { runs: number("runs", 1), starts: number("starts", 0), idle: number("idle", 0), containerd };
}

async function measureAll(current: Session, runs: number): Promise<Measured[]> {
  const measured = await withIdle(current, async () => {
    const all: Measured[] = [];
    for (const workload of WORKLOADS) all.push({ ...workload, times: await measureTimes(current, workload, runs) });
    return all;
  });
  measured.push({ ...(await measureCrowd(current, runs)), bytes: 0 });
  measured.push({ ...(await measureBridge(current, runs)), bytes: 0 });
  for (const { flow, times } of await measureNetwork(current, runs)) measured.push({ ...flow, times });
  return measured;
}

async function bench(current: Session, { runs, starts, idle, containerd }: Options): Promise<object> {
  const print = (text: string) => process.stdout.write(`${text}\n`);
  print(`containerd ${containerd}, ${runs} runs of each\n`);
  const measured = await measureAll(current, runs);
  print(timeTable(measured));
  const memory = { runc: await measureMemory(current, "runc"), microvm: await measureMemory(current, "microvm") };
  print(memoryTable(memory));
  const leak = starts > 0 ? await measureLeak(current, starts) : undefined;
  if (leak) print(table([[`${starts} starts`, "before", "after"], ...compared(leak.before, leak.after)]));
  const idleKiB = idle > 0 ? await measureIdle(current, idle) : undefined;
  if (idleKiB) print(`${idle} idle containers: ${(idleKiB / 1024).toFixed(1)} MiB of the machine's memory for each\n`);
  const timesMs = Object.fromEntries(measured.map(({ title, times }) => [title, times]));
  return { containerd, runs, timesMs, memory, leak, idleKiB };
}

function compared<Stock extends object>(before: Stock, after: Stock): (string | number)[][] {
  return Object.entries(before).map(([name, value]) => [name, value, String(after[name as keyof Stock])]);
}

await runApart("bench", async () => {
  const given = options();
  let result = {};
  await session(given.containerd, async (current) => {
    result = await bench(current, given);
  });
  const shares = await measureShares(given.containerd, given.runs, buildDir);
  process.stdout.write(`${shareTable(shares)}\n`);
  const phases = await measurePhases(given.containerd, given.runs, buildDir);
  process.stdout.write(`${phaseTable(phases)}\n`);
  writeFileSync(join(buildDir, "bench.json"), `${JSON.stringify({ ...result, shares, phases }, null, 2)}\n`);
  process.stdout.write("build/bench.json, build/start.svg; build/start-trace.json for chrome://tracing\n");
});
