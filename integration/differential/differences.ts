/**
 * Every intended difference from runc, with its reason: the table in ARCHITECTURE.md holds these words, and a
 * comparison that names one fails if there is no difference any more.
 */
export interface Difference {
  readonly what: string;
  readonly why: string;
  /** A machine on which there is no such difference is possible. */
  readonly dependsOnHost?: true;
  /** The file with its test, where that is not a comparison. */
  readonly test?: string;
}

export const DIFFERENCES = {
  kernel: { what: "`uname -r`, `/proc/version`, `/proc/cmdline`", why: "the guest's kernel" },
  size: {
    what: "memory and processors in `/proc` are the VM's",
    why: "the VM is as large as the limits, not the host",
    dependsOnHost: true,
  },
  core: { what: "`/dev/core` exists", why: "libcrun makes the link, runc does not" },
  masks: {
    what: "what covers masked paths",
    why: "libcrun takes a device and a tmpfs of its own; both are empty",
  },
  made: {
    what: "directories made for mounts have the sticky bit",
    why: "libcrun makes them so; only root writes there",
  },
  inherited: {
    what: "oom score and limits that `config.json` leaves open",
    why: "they come from guest-init and the guest's kernel, not from containerd and the host",
  },
  cgroup: {
    what: "cgroups are version 2",
    why: "the guest has no other; the limits are translated",
    dependsOnHost: true,
  },
  labels: {
    what: "SELinux labels and AppArmor profiles are dropped",
    why: "the guest has neither; the VM is the boundary",
    test: "shim/guest-spec.test.ts",
  },
  cpuset: {
    what: "cpuset numbers (`cpus`, `mems`) are dropped",
    why: "they number the host's processors",
    dependsOnHost: true,
  },
  network: {
    what: "the network namespace is the VM's",
    why: "guest-init gives the container the guest's; today it has loopback only",
    test: "shim/guest-spec.test.ts",
  },
} as const satisfies Record<string, Difference>;

export type DifferenceName = keyof typeof DIFFERENCES;

export function difference(name: DifferenceName): Difference {
  return DIFFERENCES[name];
}
