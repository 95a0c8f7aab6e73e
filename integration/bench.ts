/** This runtime beside runc on one containerd: time of a short container, memory of an idle one. */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { IMAGE } from "./harness/image.ts";
import { buildDir, type ContainerdVersion, microvm, runc } from "./harness/paths.ts";
import { runApart, type Session, session } from "./harness/session.ts";

const RUNTIMES = { runc, microvm };
type Name = keyof typeof RUNTIMES;
const NAMES: Name[] = ["runc", "microvm"];
/** What an idle container's processes need to come to rest. */
const SETTLE_MS = 3000;

type Times = Readonly<Record<"median" | "min" | "max", number>> & { readonly all: number[] };

interface Memory {
  readonly process: string;
  readonly pssKiB: number;
  readonly privateKiB: number;
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

function summary(all: number[]): Times {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const median = (at(Math.floor((sorted.length - 1) / 2)) + at(Math.ceil((sorted.length - 1) / 2))) / 2;
  return { median, min: at(0), max: at(sorted.length - 1), all };
}

/** Alternating, so that whatever else the machine does meets both; the first of each warms the caches, uncounted. */
async function measureTimes({ containerd, signal, token }: Session, runs: number): Promise<Record<Name, Times>> {
  const times: Record<Name, number[]> = { runc: [], microvm: [] };
  for (let n = 0; n <= runs; n++) {
    for (const name of NAMES) {
      signal.throwIfAborted();
      const args = ["run", "--rm", "--runtime", RUNTIMES[name], IMAGE, `${token}-${name}-${n}`, "true"];
      const { ms } = await containerd.mustCtr(args);
      if (n > 0) times[name].push(ms);
    }
  }
  return { runc: summary(times.runc), microvm: summary(times.microvm) };
}

async function measureMemory({ containerd, signal, token }: Session, name: Name): Promise<Memory[]> {
  signal.throwIfAborted();
  const id = `${token}-idle-${name}`;
  await containerd.mustCtr(["run", "-d", "--runtime", RUNTIMES[name], IMAGE, id, "sleep", "1000"]);
  await sleep(SETTLE_MS);
  const memory = family(shimOf(id)).map(memoryOf);
  await containerd.mustCtr(["task", "rm", "-f", id]);
  await containerd.mustCtr(["container", "rm", id]);
  return memory;
}

function read(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return ""; // it has ended meanwhile
  }
}

function pids(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

/** The first process that names the container is runc's shim, or a child of ours, which itself has no arguments. */
function shimOf(id: string): number {
  const named = pids().find((each) => read(each, "cmdline").includes(id));
  if (named === undefined) throw new Error(`no process of ${id}`);
  const isShim = (pid: number) => read(pid, "cmdline").split("\0")[0]?.includes("containerd-shim-");
  return isShim(named) ? named : parentOf(named);
}

function parentOf(pid: number): number {
  return Number(/\) . (\d+)/s.exec(read(pid, "stat"))?.[1]);
}

/** The process and all that descend from it. */
function family(pid: number): number[] {
  const children = pids().filter((each) => parentOf(each) === pid);
  return [pid, ...children.flatMap(family)];
}

function memoryOf(pid: number): Memory {
  const rollup = read(pid, "smaps_rollup");
  const sum = (field: RegExp) => [...rollup.matchAll(field)].reduce((total, [, kib]) => total + Number(kib), 0);
  const program = read(pid, "cmdline").split("\0")[0]?.split("/").at(-1) ?? "";
  return {
    process: program,
    pssKiB: sum(/^Pss:\s+(\d+)/gm),
    privateKiB: sum(/^Private_(?:Clean|Dirty):\s+(\d+)/gm),
  };
}

function table(rows: readonly (readonly (string | number)[])[]): string {
  const line = ([first = "", ...rest]: readonly (string | number)[]) =>
    String(first).padEnd(40) + rest.map((cell) => String(cell).padStart(12)).join("");
  return `${rows.map(line).join("\n")}\n`;
}

function report(times: Record<Name, Times>, memory: Record<Name, Memory[]>): string {
  const ms = ({ median, min, max }: Times) => [median, min, max].map((value) => value.toFixed(0));
  const mib = (kib: number) => (kib / 1024).toFixed(1);
  const ratio = times.microvm.median / times.runc.median;
  const timeRows = NAMES.map((name) => [name, ...ms(times[name])]);
  const memoryRows = NAMES.flatMap((name) =>
    memory[name].map((each) => [`${name}: ${each.process}`, mib(each.pssKiB), mib(each.privateKiB)]),
  );
  return `${table([["ctr run --rm IMAGE ID true, ms", "median", "min", "max"], ...timeRows])}
ratio of the medians: ${ratio.toFixed(1)}

${table([["one idle container, MiB", "PSS", "private"], ...memoryRows])}`;
}

async function bench(current: Session, runs: number, version: ContainerdVersion): Promise<void> {
  const times = await measureTimes(current, runs);
  const memory = { runc: await measureMemory(current, "runc"), microvm: await measureMemory(current, "microvm") };
  process.stdout.write(`containerd ${version}, ${runs} runs of each\n\n${report(times, memory)}`);
  const ratio = times.microvm.median / times.runc.median;
  const result = { containerd: version, runs, timesMs: times, ratio, memory };
  writeFileSync(join(buildDir, "bench.json"), `${JSON.stringify(result, null, 2)}\n`);
}

await runApart("bench", async () => {
  const { runs, version } = options();
  await session(version, (current) => bench(current, runs, version));
});
