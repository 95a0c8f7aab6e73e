/** The shim as containerd runs it, without containerd: what no client of containerd can ask for. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { must, run } from "./harness/command.ts";
import { until } from "./harness/deadline.ts";
import { runToken, shimBinary } from "./harness/paths.ts";
import { pidsOf } from "./harness/proc.ts";
import { nothingRemains, takeStock } from "./harness/remains.ts";

const CGROUP = `t${runToken}-0shim`;
const before = takeStock();

afterEach(() => nothingRemains(before));

/** A field of a protobuf message with bytes in it; all are shorter than 128 here. */
function field(number: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
}

function hierarchies(): string[] {
  const mounts = readFileSync("/proc/self/mounts", "utf8").matchAll(/^\S+ (\S+) cgroup2? /gm);
  return [...new Set([...mounts].map(([, path = ""]) => path))];
}

function daemonPid(): number | undefined {
  return pidsOf(/-v2\0daemon/)[0];
}

/** A directory with a config.json. */
function makeBundle(config: string): string {
  const bundle = mkdtempSync(join(tmpdir(), "bundle-"));
  writeFileSync(join(bundle, "config.json"), config);
  return bundle;
}

/** As containerd does it. */
async function endDaemon(bundle: string, flags: readonly string[]): Promise<void> {
  await must([shimBinary, ...flags, "-bundle", bundle, "delete"], { cwd: bundle });
  await until(10_000, "the daemon ends", () => (daemonPid() === undefined ? true : undefined));
}

test("the daemon joins the cgroup of its options, and goes first when memory runs out", async () => {
  const bundle = makeBundle(JSON.stringify({ ociVersion: "1.1.0", linux: {} }));
  const cgroups = hierarchies().map((path) => join(path, CGROUP));
  for (const path of cgroups) mkdirSync(path);
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    const path = cgroups.find((directory) => readdirSync(directory).includes(file) && !directory.includes("unified"));
    if (path) writeFileSync(join(path, file), readFileSync(join(path, "..", file)));
  }
  // google.protobuf.Any with containerd.runc.v1.Options, in which 3 is shim_cgroup.
  const options = Buffer.concat([field(1, "containerd.runc.v1.Options"), field(2, field(3, `/${CGROUP}`))]);
  const flags = ["-namespace", "default", "-address", join(bundle, "no.sock"), "-id", "s1"];
  await must([shimBinary, ...flags, "start"], { input: options, cwd: bundle });
  try {
    const pid = daemonPid();
    for (const path of cgroups) {
      await until(10_000, `the daemon is in ${path}`, () =>
        readFileSync(join(path, "cgroup.procs"), "utf8").split("\n").includes(String(pid)) ? true : undefined,
      );
    }
    const score = (of: number | string) => Number(readFileSync(`/proc/${of}/oom_score_adj`, "utf8"));
    expect(score(pid ?? 0)).toBe(Math.min(score("self") + 1, 1000));
  } finally {
    await endDaemon(bundle, flags);
    for (const path of cgroups) await until(10_000, "the cgroup is empty", () => removed(path));
    rmSync(bundle, { recursive: true });
  }
});

function removed(path: string): true | undefined {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return undefined;
  }
}

test("a second start of a group gives the address of the first, and no daemon more", async () => {
  const annotations = { "io.containerd.runc.v2.group": "g1" };
  const bundle = makeBundle(JSON.stringify({ ociVersion: "1.1.0", annotations, linux: {} }));
  const flags = ["-namespace", "default", "-address", join(bundle, "no.sock"), "-id"];
  const start = async (id: string) =>
    (await must([shimBinary, ...flags, id, "start"], { cwd: bundle })).stdout.toString();
  const address = await start("g1");
  try {
    expect(address).toMatch(/^unix:\/\/\/run\/containerd\/s\/[0-9a-f]{64}$/);
    expect(readFileSync(join(bundle, "address"), "utf8")).toBe(address);
    const first = daemonPid();
    expect(await start("s2")).toBe(address);
    expect(daemonPid()).toBe(first);
  } finally {
    await endDaemon(bundle, [...flags, "g1"]);
    rmSync(bundle, { recursive: true });
  }
});

test.each([
  ["s1", "{", /config\.json: .*JSON/],
  ["../s1", "{}", /"\.\.\/s1" is not a valid identifier/],
  ["s1", '{"annotations":{"io.kubernetes.cri.sandbox-id":"a/b"}}', /"a\/b" is not a valid identifier/],
])("start of %s with %s is refused in one line, and leaves nothing", async (id, config, message) => {
  const bundle = makeBundle(config);
  const { code, stdout, stderr } = await run([shimBinary, "-namespace", "default", "-id", id, "start"], {
    cwd: bundle,
  });
  expect({ code, stdout: stdout.toString() }).toEqual({ code: 1, stdout: "" });
  expect(stderr.toString()).toMatch(message);
  expect(stderr.toString().trim().split("\n")).toHaveLength(1);
  rmSync(bundle, { recursive: true });
});
