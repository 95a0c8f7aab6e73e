/** VMs that begin as a template's, and what becomes of them where the template is no good. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { until } from "./harness/deadline.ts";
import { useLab } from "./harness/lab.ts";
import { buildDir } from "./harness/paths.ts";

const TEMPLATES = "/var/lib/microvm/templates";
/** Of a size that no other test has. */
const MEMORY_MIB = 199;

function templates(): string[] {
  if (!existsSync(TEMPLATES)) return [];
  return readdirSync(TEMPLATES)
    .filter((name) => !name.startsWith("."))
    .filter((name) => description(name).memoryMib === MEMORY_MIB);
}

function description(name: string): { memoryMib: number } {
  return JSON.parse(readFileSync(join(TEMPLATES, name, "template.json"), "utf8"));
}

describe("templates", () => {
  const lab = useLab("2.4", `template = "auto"\nmemory_mib = ${MEMORY_MIB}\n`, false, "debug");
  let seen = 0;

  beforeEach(() => {
    seen = lab.containerd.logText.length;
  });

  /** What the shims have said since the test began. */
  const log = () => lab.containerd.logText.slice(seen);
  const beginnings = () => [...log().matchAll(/msg="guest ready".* template=(\w+)/g)].map(([, restored]) => restored);

  async function hello(flags: readonly string[] = []): Promise<void> {
    const { code, stdout } = await lab.run(["sh", "-c", "echo hello; exit 3"], { flags });
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 3, stdout: "hello\n" });
  }

  /** The one that a VM without one has ordered. */
  async function ordered(): Promise<string> {
    return until(60_000, "a template is made", () => (locked() ? undefined : templates()[0]));
  }

  /** There is one, and it was used. */
  async function present(): Promise<string> {
    if (templates().length === 0) await hello();
    const name = await ordered();
    await hello();
    expect(beginnings().at(-1)).toBe("true");
    seen = lab.containerd.logText.length;
    return join(TEMPLATES, name);
  }

  test("the first VM boots and has one made, the next ones begin as it", async () => {
    expect(templates()).toEqual([]);
    await Promise.all([1, 2, 3, 4].map(() => hello()));
    expect(beginnings()).toEqual(["false", "false", "false", "false"]);
    await ordered();
    await hello();
    await hello();
    expect(beginnings().slice(4)).toEqual(["true", "true"]);
    expect(templates()).toHaveLength(1);
  });

  test("nobody but root can read or change it", async () => {
    const directory = await present();
    for (const path of [TEMPLATES, directory]) expect(statSync(path).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(directory)) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  });

  test("what must not be common to two VMs is not", async () => {
    await present();
    const look = "cat /proc/sys/kernel/random/boot_id; head -c 16 /dev/urandom | xxd -p; hostname; echo $$";
    const results = await Promise.all([1, 2, 3].map(() => lab.run(["sh", "-c", look])));
    expect(beginnings()).toEqual(["true", "true", "true"]);
    const lines = results.map(({ stdout }) => stdout.toString().trim().split("\n"));
    for (const at of [0, 1]) expect(new Set(lines.map((line) => line[at])).size).toBe(3);
    expect(lines.map((line) => line[3])).toEqual(["1", "1", "1"]);
  });

  test("what one VM writes into its memory, no other one sees", async () => {
    const directory = await present();
    const sum = () => execFileSync("sha256sum", [join(directory, "memory")], { encoding: "utf8" });
    const before = sum();
    const { stdout } = await lab.run([
      "sh",
      "-c",
      "dd if=/dev/urandom of=/dev/shm/x bs=1M count=20 2> /dev/null; wc -c < /dev/shm/x",
    ]);
    expect(stdout.toString().trim()).toBe(`${20 << 20}`);
    expect(sum()).toBe(before);
  });

  test("a container can go without one by its annotation", async () => {
    await present();
    await hello(["--annotation", "io.microvm.template=off"]);
    expect(beginnings()).toEqual(["false"]);
  });

  test("a maker that is killed is made up for by the next VM, and leaves nothing", async () => {
    const directory = await present();
    rmSync(directory, { recursive: true });
    await hello();
    await until(10_000, "somebody makes one", () => (locked() ? true : undefined));
    execFileSync("pkill", ["-KILL", "-f", "microvm-shim template"]);
    await until(10_000, "nobody does", () => (locked() ? undefined : true));
    expect(templates()).toEqual([]);
    await hello();
    await ordered();
    await hello();
    expect(beginnings()).toEqual(["false", "false", "true"]);
  });

  const damages: [string, RegExp, (directory: string) => void][] = [
    [
      "a damaged memory",
      /no VM from the template.*memory is damaged/,
      (directory) => scribble(join(directory, "memory")),
    ],
    ["a damaged state", /no VM from the template.*state is damaged/, (directory) => scribble(join(directory, "state"))],
    [
      "a memory of another size",
      /no VM from the template/,
      (directory) => execFileSync("truncate", ["-s", "1M", join(directory, "memory")]),
    ],
    ["a missing file", /template is not used: .*ENOENT/, (directory) => rmSync(join(directory, "memory"))],
    [
      "a file that others can write",
      /template is not used: .*can be written by others/,
      (directory) => chmodSync(join(directory, "memory"), 0o666),
    ],
    [
      "a directory that others can write",
      /template is not used: .*can be written by others/,
      (directory) => chmodSync(directory, 0o777),
    ],
    ["a state that QEMU cannot take", /no VM from the template/, replaceState],
  ];

  test.each(damages)("%s is told, a VM boots instead, and a new one is made", async (_, message, damage) => {
    const directory = await present();
    damage(directory);
    await hello();
    expect(beginnings()).toEqual(["false"]);
    expect(log()).toMatch(message);
    await until(60_000, "another one is made", async () => {
      if (locked()) return undefined;
      seen = lab.containerd.logText.length;
      await hello();
      return beginnings()[0] === "true" ? true : undefined;
    });
  });
});

/** Somebody is at it. */
function locked(): boolean {
  try {
    execFileSync("flock", ["--nonblock", join(TEMPLATES, ".lock"), "true"]);
    return false;
  } catch {
    return true;
  }
}

/** In the middle, where there are data. */
function scribble(path: string): void {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from("scribble"), 0, 8, Math.min(statSync(path).size, 16 << 20) / 2);
  closeSync(fd);
}

/** With the checksum that goes with it. */
function replaceState(directory: string): void {
  const path = join(directory, "state");
  writeFileSync(path, Buffer.alloc(4096, "no state"));
  const description = join(directory, "template.json");
  const known = JSON.parse(readFileSync(description, "utf8"));
  const state = checksumOf(path);
  writeFileSync(description, JSON.stringify({ ...known, checksums: { ...known.checksums, state } }));
}

/** What microvm-memory says of a state; one page of it stands for a memory. */
function checksumOf(path: string): string {
  const fd = openSync(path, "r");
  const { stdout } = spawnSync(join(buildDir, "microvm-memory"), ["load", "4096", "3", "4"], {
    stdio: ["pipe", "pipe", "inherit", fd, fd],
    input: "\n",
    encoding: "utf8",
  });
  closeSync(fd);
  return /DONE \S+ (\S+)/.exec(stdout)?.[1] ?? "";
}
