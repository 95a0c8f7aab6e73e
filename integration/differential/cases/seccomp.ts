/** System calls that the specification refuses. */
import type { Shared } from "../case.ts";

const NAMES_REFUSED = ["mkdir", "mkdirat"];

export const SECCOMP: Shared = {
  name: "seccomp",
  spec: ({ linux, process }) => {
    process.noNewPrivileges = false;
    linux.seccomp = {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
      syscalls: [
        { names: NAMES_REFUSED, action: "SCMP_ACT_ERRNO", errnoRet: 95 },
        { names: ["chmod", "fchmodat"], action: "SCMP_ACT_ERRNO" },
        { names: ["sethostname"], action: "SCMP_ACT_KILL_PROCESS" },
        { names: ["kill"], action: "SCMP_ACT_ERRNO", errnoRet: 4, args: [{ index: 1, value: 10, op: "SCMP_CMP_EQ" }] },
        { names: ["no_such_call_at_all"], action: "SCMP_ACT_ERRNO" },
      ],
    };
  },
  scripts: [
    {
      name: "mode and number of filters",
      script: "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status",
      expect: { code: 0 },
    },
    { name: "an error of the profile's choice", script: "mkdir /d" },
    { name: "an error without a number", script: "chmod 700 /tmp" },
    {
      name: "the end of the process",
      script: "exec 2> /dev/null; sh -c 'hostname x'; echo $?",
      expect: { stdout: "159\n" },
    },
    {
      name: "an argument that decides",
      script: "sleep 100 & kill -USR1 $! 2>&1 | sed 's/pid [0-9]*/it/'; kill -TERM $! && echo sent",
    },
    { name: "the rest is allowed", script: "touch /tmp/x && rm /tmp/x && echo fine" },
  ],
};

export const DEFAULT_SECCOMP: Shared = {
  name: "containerd's seccomp profile",
  flags: ["--seccomp"],
  scripts: [
    {
      name: "filters by containerd's profile",
      script: "grep -E '^(Seccomp|NoNewPrivs)' /proc/self/status",
      expect: { code: 0 },
    },
    { name: "namespaces are refused", script: "unshare -m true; unshare -U true; unshare -n true" },
    {
      name: "mounts and clocks are refused",
      script: "mount -t tmpfs none /tmp; umount /proc; date -s 2020-01-01 > /dev/null; swapoff /x",
    },
    {
      name: "ordinary work is allowed",
      script: "mkdir /d && chmod 700 /d && mkfifo /d/p && ln -s x /d/l && ls /d && su nobody -s /bin/true && echo fine",
    },
  ],
};
