/** What a container could leave behind on the machine; the tests' world holds nothing else. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./deadline.ts";
import { runToken } from "./paths.ts";

const TASKS = "io.containerd.runtime.v2.task";
const FIFOS = "/run/containerd/fifo";

/** nerdctl leaves those that it makes, ctr when it loses its task or is killed: with any runtime. */
export function removeFifos(): void {
  rmSync(FIFOS, { recursive: true, force: true });
}

/** Everything that is there now, a line each. */
export function takeStock(): Set<string> {
  return new Set([...processes(), ...mounts(), ...files(), ...sockets(), ...loopDevices(), ...links(), ...cgroups()]);
}

/** Resolves when everything that is there was there before; rejects with the list of what is new. */
export async function nothingRemains(before: Set<string>): Promise<void> {
  const fresh = () => [...takeStock()].filter((line) => !before.has(line));
  // The last pieces go just after the client was answered: containerd's own cleanup is one of them.
  await until(
    10_000,
    () => `nothing remains, but:\n${fresh().join("\n")}`,
    () => (fresh().length === 0 ? true : undefined),
  );
}

function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
        // A zombie holds nothing; whoever started it has not looked yet.
        const [, name = "", state] = /\((.*)\) (.)/s.exec(stat) ?? [];
        return state === "Z" || /^(node|ctr|ip|containerd)$/.test(name) || name.startsWith("vitest")
          ? []
          : [`process ${pid} ${name}`];
      } catch {
        return [];
      }
    });
}

function mounts(): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .trim()
    .split("\n")
    .map((line) => `mount ${line.split(" ")[4]}`);
}

function files(): string[] {
  const temporary = tmpdir();
  // Of a private containerd: its tasks, in both of the directories that it has for them.
  const tasks = list(temporary)
    .filter((name) => name.startsWith("c-"))
    .flatMap((name) => ["state", "root"].map((kind) => join(temporary, name, kind, TASKS)))
    .flatMap((path) => list(path).flatMap((namespace) => entries(join(path, namespace), false)));
  const recursive = ["/run/containerd/s", "/run/microvm", FIFOS];
  const all = [...entries(temporary, false), ...tasks, ...recursive.flatMap((path) => entries(path, true))];
  // Measured once for all containers until the machine boots anew.
  return all.filter((line) => line !== "file /run/microvm/tsc_khz");
}

function entries(directory: string, recursive: boolean): string[] {
  return list(directory, recursive).map((name) => `file ${directory}/${name}`);
}

function list(directory: string, recursive = false): string[] {
  return existsSync(directory) ? readdirSync(directory, { recursive, encoding: "utf8" }) : [];
}

/** Those with a name in the file system. */
function sockets(): string[] {
  const lines = readFileSync("/proc/net/unix", "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, path] = / (\/.*)$/.exec(line) ?? [];
    return path === undefined ? [] : [`socket ${path}`];
  });
}

function loopDevices(): string[] {
  return list("/sys/block").flatMap((name) => {
    const backing = `/sys/block/${name}/loop/backing_file`;
    return existsSync(backing) ? [`loop device ${name} of ${readFileSync(backing, "utf8").trim()}`] : [];
  });
}

function links(): string[] {
  const text = execFileSync("ip", ["-o", "link"], { encoding: "utf8" });
  return text
    .trim()
    .split("\n")
    .map((line) => `link ${line.split(":")[1]?.trim()}`);
}

/** Of this run's containers: cgroups are the whole machine's. */
function cgroups(): string[] {
  // Its status is not asked for: it fails where a directory of somebody else goes while it looks.
  const { stdout } = spawnSync("find", ["/sys/fs/cgroup", "-mindepth", "2", "-type", "d"], { encoding: "utf8" });
  return stdout
    .split("\n")
    .filter((line) => line.includes(runToken))
    .map((line) => `cgroup ${line}`);
}
