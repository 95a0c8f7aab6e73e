/** The VM's cgroup on the host: who is in it, its limits, its end. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeConfig } from "./harness/config.ts";
import { until } from "./harness/deadline.ts";
import { end, FOREVER, startForever } from "./harness/forever.ts";
import { useLab } from "./harness/lab.ts";
import { microvm } from "./harness/paths.ts";
import { removeFifos } from "./harness/remains.ts";

const MIB = 1024 * 1024;

/** The directories of this cgroup in every hierarchy. */
function cgroupDirectories(path: string): string[] {
  const { stdout } = spawnSync("find", ["/sys/fs/cgroup", "-path", `*${path}`, "-type", "d"], { encoding: "utf8" });
  return stdout.split("\n").filter(Boolean);
}

/** Of the processes in a cgroup; the one that stands for the container's own has that one's name. */
function namesIn(directory: string): string[] {
  return readFileSync(join(directory, "cgroup.procs"), "utf8")
    .trim()
    .split("\n")
    .filter(Boolean)
    .map((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim())
    .sort();
}

/** The value of the first of these files of the cgroup that there is: names differ between versions. */
function limitIn(path: string, ...files: string[]): string | undefined {
  for (const directory of cgroupDirectories(path)) {
    const file = files.find((name) => readdirSync(directory).includes(name));
    if (file !== undefined) return readFileSync(join(directory, file), "utf8").trim();
  }
  return undefined;
}

describe("the VM's cgroup", () => {
  const lab = useLab("1.6");

  test("QEMU and all of virtiofsd are where containerd says, in every hierarchy", async () => {
    const running = await startForever(lab);
    const directories = cgroupDirectories(`/default/${running.id}`);
    expect(directories.length).toBeGreaterThan(0);
    for (const directory of directories) {
      expect(namesIn(directory).filter((name) => name !== "sh")).toEqual(["qemu-system-x86", "virtiofsd", "virtiofsd"]);
    }
    await end(lab, running);
    expect(cgroupDirectories(`/default/${running.id}`)).toEqual([]);
  });

  test("the limits are the container's, and the memory limit leaves room for the VM", async () => {
    const limits = ["--memory-limit", String(100 * MIB), "--cpu-quota", "150000", "--cpu-period", "100000"];
    const running = await startForever(lab, [...limits, "--cpu-shares", "512"]);
    const path = `/default/${running.id}`;
    expect(Number(limitIn(path, "memory.limit_in_bytes", "memory.max"))).toBe((100 + 64 + 256) * MIB);
    expect(limitIn(path, "cpu.cfs_quota_us", "cpu.max")).toMatch(/^150000( 100000)?$/);
    expect(limitIn(path, "cpu.shares", "cpu.weight")).toMatch(/^(512|20)$/);
    await end(lab, running);
  });

  test("the processors are the host's that were asked for", async () => {
    const id = lab.freshId();
    const config = await writeConfig(lab, ({ process, linux }) => {
      process.args = FOREVER;
      linux.cgroupsPath = `/default/${id}`;
      linux.resources.cpu = { cpus: "1" };
    });
    const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    await client.printed("ready");
    expect(limitIn(`/default/${id}`, "cpuset.cpus")).toBe("1");
    await end(lab, { id, client });
  });

  test("it goes when the shim was killed", async () => {
    const { id, client } = await startForever(lab);
    const [directory = ""] = cgroupDirectories(`/default/${id}`);
    const [qemu] = readFileSync(join(directory, "cgroup.procs"), "utf8").split("\n");
    const { PPid } = /PPid:\s+(?<PPid>\d+)/.exec(readFileSync(`/proc/${qemu}/status`, "utf8"))?.groups ?? {};
    process.kill(Number(PPid), "SIGKILL");
    await client.done;
    await until(10_000, "the cgroup goes", () => (cgroupDirectories(`/default/${id}`).length === 0 ? true : undefined));
    await lab.containerd.removeAll();
    removeFifos();
  });
});
