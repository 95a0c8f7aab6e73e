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
    what: "the container's network namespace is the VM's, with the same interfaces as on the host",
    why: "packets are handed over at the interfaces, so the namespace's own IP on the host has none of them but TCP within it",
    test: "shim/guest-spec.test.ts",
  },
  loopback: {
    what: "that namespace has a device `lo-microvmN` for each interface that there may be",
    why: 'the VM\'s packets go through them; clients list them (`nerdctl inspect`), those that add up leave "lo…" out',
    test: "shim/network-request.test.ts",
  },
  queue: {
    what: "an interface has a queue (`pfifo_fast`) and no other end (`@ifN`) in the container",
    why: "it is a virtio device; without a queue it would drop what the ring does not take at once",
    test: "integration/network-interfaces.test.ts",
  },
  rootCache: {
    what: "a file of the root that the container has read and the host then changes (`nerdctl cp` over it) may be seen as it was",
    why: "the root belongs to one container, so the guest caches it for good; a new file is seen, and volumes are not cached",
    test: "integration/nerdctl.test.ts",
  },
  tmpfile: {
    what: "no `O_TMPFILE` on the root and on volumes",
    why: "virtiofsd does not offer it; programs fall back to a name that they remove",
    test: "integration/volumes.test.ts",
  },
  birth: {
    what: "files on the root and on volumes have no birth time",
    why: "virtiofsd does not tell it",
    test: "integration/volumes.test.ts",
  },
  submounts: {
    what: "`ro`, `nosuid`, `nodev` and `noexec` of a volume hold for the mounts below it, too",
    why: "the guest mounts those when they are first looked at, with the options of the volume",
    test: "integration/volumes.test.ts",
  },
  hostOnly: {
    what: "sockets, fifos and most devices of the host cannot be mounted",
    why: "they join programs of one kernel; Create says which it is",
    test: "integration/volumes.test.ts",
  },
  shared: {
    what: "mounts that a container makes do not reach the host: `rshared` is refused",
    why: "they are the guest's; `rslave` works, the host's mounts reach the container",
    test: "integration/volumes.test.ts",
  },
  idmap: {
    what: "idmapped mounts are refused",
    why: "virtiofs cannot map ids",
    test: "shim/bind.test.ts",
  },
  hostLocks: {
    what: "a lock of a program of the host is not seen, nor one of the container's there",
    why: "virtiofsd passes none on; among the containers of a pod locks work",
    test: "integration/volumes.test.ts",
  },
  hostWatch: {
    what: "inotify tells what containers of the pod change on a volume, not what the host changes",
    why: "virtiofs has no such message; the change itself is seen at once",
    test: "integration/volumes.test.ts",
  },
  pipes: {
    what: "the pipes of a container's standard streams hold 256 KiB, not 64",
    why: "without KVM each change between processes is slow, and that makes fewer",
    test: "integration/streams.test.ts",
  },
} as const satisfies Record<string, Difference>;

export type DifferenceName = keyof typeof DIFFERENCES;

export function difference(name: DifferenceName): Difference {
  return DIFFERENCES[name];
}
