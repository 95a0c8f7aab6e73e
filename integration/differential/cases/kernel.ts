/** Where the guest's kernel, its size and its cgroups show, and what the limits do. */
import type { Outcome, Shared } from "../case.ts";
import { noStdout } from "../normalise.ts";

/** Version 1 has a line a controller, version 2 one line. */
const cgroupPaths = (outcome: Outcome): Outcome => ({
  ...outcome,
  stdout: [...new Set(outcome.stdout.split("\n").map((line) => line.replace(/^.*:/, "")))].sort().join("\n"),
});

const oneOf = (...paths: string[]) => paths.map((path) => `cat /sys/fs/cgroup/${path} 2> /dev/null`).join(" || ");

export const LIMITS: Shared = {
  name: "cgroup limits",
  spec: ({ linux, mounts }) => {
    linux.namespaces.push({ type: "cgroup" });
    linux.resources = {
      devices: [{ allow: false, access: "rwm" }],
      memory: { limit: 64 << 20 },
      pids: { limit: 20 },
      cpu: { quota: 50_000, period: 100_000, shares: 512 },
    };
    mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: ["ro", "nosuid"] });
  },
  scripts: [
    {
      name: "its cgroup is the root of its namespace",
      script: "cat /proc/self/cgroup",
      differs: ["cgroup", cgroupPaths],
      expect: { code: 0 },
    },
    {
      name: "kind of cgroup mounts",
      script: "awk '$2 ~ /cgroup/ {print $3}' /proc/mounts | sort -u",
      differs: ["cgroup", noStdout],
    },
    {
      name: "memory limit",
      script: oneOf("memory/memory.limit_in_bytes", "memory.max"),
      expect: { stdout: "67108864\n" },
    },
    { name: "limit of processes", script: oneOf("pids/pids.max", "pids.max"), expect: { stdout: "20\n" } },
    {
      name: "quota of processors",
      script: `${oneOf("cpu,cpuacct/cpu.cfs_quota_us", "cpu/cpu.cfs_quota_us", "cpu.max")} | cut -d' ' -f1`,
      expect: { stdout: "50000\n" },
    },
    {
      name: "a child that takes too much memory is killed",
      script: "exec 2> /dev/null; sh -c 'tail /dev/zero'; echo $?",
      expect: { stdout: "137\n" },
    },
    {
      name: "more processes than allowed",
      script:
        "exec 2> /dev/null; for n in $(seq 40); do sleep 100 & done; set -- /proc/[0-9]*; echo $#; kill $(jobs -p); wait",
      same: (o) => ({ ...o, code: 0 }),
    },
    { name: "after them the others go on", script: "echo alive" },
  ],
};

export const KERNEL: Shared = {
  name: "the kernel's own",
  spec: ({ linux, process }) => {
    linux.resources = { ...linux.resources, cpu: { cpus: "0", mems: "0" } };
    process.apparmorProfile = "";
  },
  scripts: [
    { name: "version", script: "cat /proc/version", differs: ["kernel", noStdout] },
    { name: "command line of the kernel", script: "cat /proc/cmdline", differs: ["kernel", noStdout] },
    { name: "total memory", script: "grep MemTotal /proc/meminfo", differs: ["size", noStdout] },
    { name: "processors", script: "grep -c ^processor /proc/cpuinfo", differs: ["size", noStdout] },
    {
      name: "processors allowed",
      script: "grep Cpus_allowed_list /proc/self/status; nproc",
      differs: ["cpuset", noStdout],
    },
    { name: "loopback", script: "cat /sys/class/net/lo/flags", expect: { stdout: "0x9\n" } },
    {
      name: "file systems that programs need",
      script: "for f in proc sysfs tmpfs devpts mqueue overlay ext4; do grep -qw $f /proc/filesystems && echo $f; done",
    },
    {
      name: "limits of the whole system",
      script:
        "cd /proc/sys; test $(cat fs/file-max) -gt 10000 && echo many; cat kernel/ngroups_max kernel/cap_last_cap",
      expect: { code: 0 },
    },
  ],
};
