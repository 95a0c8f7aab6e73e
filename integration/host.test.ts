/** What of a VM the host sees: its cgroup, its processes' attributes, hooks, options and logs. */
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { writeConfig } from "./harness/config.ts";
import { until } from "./harness/deadline.ts";
import { IMAGE } from "./harness/image.ts";
import { type Lab, useLab, VERSIONS, visible } from "./harness/lab.ts";
import { microvm, runc } from "./harness/paths.ts";

const MIB = 1024 * 1024;
const FOREVER = ["sh", "-c", "echo ready; while :; do sleep 0.1; done"];

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

async function startForever(lab: Lab, flags: readonly string[] = []) {
  const id = lab.freshId();
  const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, ...flags, IMAGE, id, ...FOREVER]);
  await client.printed("ready");
  return { id, client };
}

async function end(lab: Lab, { id, client }: Awaited<ReturnType<typeof startForever>>) {
  await lab.containerd.mustCtr(["task", "kill", "-s", "SIGKILL", id]);
  expect((await client.done).code).toBe(137);
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
    await lab.containerd.ctr(["task", "rm", "-f", id]);
    await lab.containerd.ctr(["container", "rm", id]);
    execFileSync("rm", ["-rf", "/run/containerd/fifo"]);
  });
});

describe.each(VERSIONS)("the log of containerd %s at debug level", (version) => {
  const lab = useLab(version, "", false, "debug");

  test("has the exact command line of QEMU, and what a start spends its time on", async () => {
    await lab.run(["true"]);
    const log = lab.containerd.logText;
    expect(log).toMatch(/level=debug msg="QEMU: \[.*\\"-M\\",\\"microvm,.*runtime=microvm scope=microvm-vm/);
    expect(log).toMatch(/level=debug msg="guest ready" runtime=microvm t_boot=\d+/);
    expect(log).toMatch(/level=debug msg="container created" runtime=microvm id=\S+ t_mount=\d+/);
  });
});

describe.each(VERSIONS)("what configures a VM under containerd %s", (version) => {
  const lab = useLab(version, "vcpus = 2\nmemory_mib = 200\nboot_timeout_s = 60\n");

  async function size(flags: readonly string[]): Promise<{ vcpus: number; memoryMib: number }> {
    const { stdout, stderr } = await lab.run(["sh", "-c", "nproc; grep MemTotal /proc/meminfo"], { flags });
    const [, vcpus, kib] = /^(\d+)\nMemTotal:\s+(\d+) kB/.exec(stdout.toString()) ?? [];
    if (kib === undefined) throw new Error(stderr.toString());
    return { vcpus: Number(vcpus), memoryMib: Number(kib) / 1024 };
  }

  test("options override the file, and annotations the options, key by key", async () => {
    const options = join(lab.containerd.directory, "options.toml");
    writeFileSync(options, "memory_mib = 300\nvcpus = 1\n");
    const { vcpus, memoryMib } = await size([
      "--runtime-config-path",
      options,
      "--annotation",
      "io.microvm.vcpus=2",
      "--annotation",
      "io.microvm.qemu=/bin/false",
    ]);
    expect(vcpus).toBe(2);
    expect(memoryMib).toBeGreaterThan(210);
    expect(memoryMib).toBeLessThan(300);
    expect(lab.containerd.logText).toMatch(/level=warning msg="annotation \\"io\.microvm\.qemu\\" is ignored: /);
  });

  test.each([
    ["an annotation", ["--annotation", "io.microvm.vcpus=65"], /annotation io\.microvm\.vcpus: must be a whole number/],
    [
      "options that are not there",
      ["--runtime-config-path", "/nonexistent.toml"],
      /configuration: .*\/nonexistent\.toml/,
    ],
  ])("a wrong value is an error that names its source: %s", async (_, flags, message) => {
    const { code, stderr } = visible(await lab.run(["true"], { flags }));
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});

const HOOKS = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

describe.each(VERSIONS)("hooks under containerd %s", (version) => {
  const lab = useLab(version);

  /** Every hook writes its name and the state that it was given: on the host to `log`, in the container to its root. */
  async function withHooks(failing?: string): Promise<{ config: string; log: string; rootfs: string }> {
    let rootfs = "";
    const log = join(lab.containerd.directory, `hooks-${lab.freshId()}`);
    const script = (name: string, to: string) =>
      `{ echo "${name} $(pwd)"; cat; echo; } >> ${to}; ${name === failing ? "echo out; echo err >&2; exit 3" : "true"}`;
    const config = await writeConfig(lab, (config) => {
      rootfs = config.root.path;
      config.process.args = ["cat", "/inside"];
      config.annotations = { "a.b": "c" };
      config.hooks = Object.fromEntries(
        HOOKS.map((name) => [
          name,
          [{ path: "/bin/sh", args: ["sh", "-c", script(name, name === "startContainer" ? "/inside" : log)] }],
        ]),
      );
      // The container writes into its root.
      Object.assign(config.root, { readonly: false });
    });
    return { config, log, rootfs };
  }

  function told(log: string): { name: string; directory: string; state: Record<string, unknown> }[] {
    const lines = readFileSync(log, "utf8").trim().split("\n");
    return lines.flatMap((line, index) => {
      const [name = "", directory = ""] = line.split(" ");
      return index % 2 === 0 ? [{ name, directory, state: JSON.parse(lines[index + 1] ?? "") }] : [];
    });
  }

  test("each kind runs once, in order, with the state that is true then", async () => {
    const { config, log } = await withHooks();
    const id = lab.freshId();
    const { stdout, stderr } = await lab.containerd.ctr(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    expect(stdout.toString(), stderr.toString()).toMatch(/^startContainer \/\n\{.*"id":"t.*\}\n$/);
    const hooks = told(log);
    expect(hooks.map(({ name, state }) => [name, state.status])).toEqual([
      ["prestart", "creating"],
      ["createRuntime", "creating"],
      ["createContainer", "creating"],
      ["poststart", "running"],
      ["poststop", "stopped"],
    ]);
    for (const { name, directory, state } of hooks) {
      expect(state).toMatchObject({ id, annotations: { "a.b": "c" } });
      expect(state.pid, name).toEqual(name === "poststop" ? undefined : expect.any(Number));
      expect(directory === state.bundle).toBe(name !== "createContainer");
    }
  });

  test.each(["prestart", "createRuntime", "createContainer", "poststart"])(
    "a %s hook that fails ends the start, and poststop hooks still run, as under runc",
    async (failing) => {
      for (const name of [microvm, runc]) {
        const { config, log } = await withHooks(failing);
        const result = await lab.containerd.ctr(["run", "--rm", "--runtime", name, "--config", config, lab.freshId()]);
        expect(result.code).toBe(1);
        expect(result.stderr.toString()).toMatch(/hook #0: .*exit status 3, stdout: out\s*, stderr: err/);
        expect(told(log).map((hook) => hook.name)).toContain("poststop");
      }
    },
  );

  test("poststop hooks run when the shim was killed", async () => {
    const { config, log } = await withHooks();
    const spec = JSON.parse(readFileSync(config, "utf8"));
    spec.process.args = FOREVER;
    writeFileSync(config, JSON.stringify(spec));
    const id = lab.freshId();
    const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    await client.printed("ready");
    const pid = told(log)[0]?.state.pid;
    const [, parent] = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    process.kill(Number(parent), "SIGKILL");
    await client.done;
    await until(10_000, "the hook runs", () =>
      /^poststop .*\n.*\}\n$/m.test(readFileSync(log, "utf8")) ? true : undefined,
    );
    expect(told(log).at(-1)?.state).toMatchObject({ id, status: "stopped" });
    await lab.containerd.ctr(["task", "rm", "-f", id]);
    await lab.containerd.ctr(["container", "rm", id]);
    execFileSync("rm", ["-rf", "/run/containerd/fifo"]);
  });
});

describe.each(VERSIONS)("seccomp under containerd %s", (version) => {
  const lab = useLab(version, "", false, "debug");

  test("the default profile is loaded, and refuses as under runc", async () => {
    const script =
      "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status; unshare -U true; echo $?; unshare -m true; echo $?";
    const options = { flags: ["--seccomp"] };
    const ours = visible(await lab.run(["sh", "-c", script], options));
    expect(ours.stdout).toMatch(/^Seccomp:\t2$/m);
    expect(ours).toEqual(visible(await lab.run(["sh", "-c", script], { ...options, runtime: runc })));
    // Compiled on the host, and the next time not even that.
    expect(lab.containerd.logText).toMatch(/msg="seccomp compiled" .* cached=0/);
    await lab.run(["true"], options);
    expect(lab.containerd.logText).toMatch(/msg="seccomp compiled" .* cached=1/);
    expect(lab.containerd.logText).not.toMatch(/the guest compiles the seccomp profile/);
  });

  test("a profile of one's own has its own errors, also for an exec", async () => {
    const id = lab.freshId();
    const config = await writeConfig(lab, ({ process, linux }) => {
      process.args = FOREVER;
      linux.seccomp = {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: ["SCMP_ARCH_X86_64"],
        syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
      };
    });
    const client = lab.containerd.hold(["run", "--rm", "--runtime", microvm, "--config", config, id]);
    await client.printed("ready");
    const { stderr } = await lab.containerd.ctr(["task", "exec", "--exec-id", "e", id, "mkdir", "/dev/x"]);
    expect(stderr.toString()).toContain("No space left on device");
    await end(lab, { id, client });
  });
});
