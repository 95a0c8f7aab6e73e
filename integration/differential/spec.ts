/** A config.json as containerd writes it, for what `ctr run` has no flag for. */

export interface Mount {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface Rlimit {
  type: string;
  soft: number;
  hard: number;
}

/** The parts of the OCI runtime specification that the comparisons change. */
export interface Spec {
  ociVersion: string;
  hostname?: string;
  domainname?: string;
  annotations?: Record<string, string>;
  hooks?: Record<string, { path: string; args?: string[]; env?: string[]; timeout?: number }[]>;
  root: { path: string; readonly?: boolean };
  process: {
    args: string[];
    env: string[];
    cwd: string;
    terminal?: boolean;
    user: { uid: number; gid: number; additionalGids?: number[]; umask?: number };
    capabilities?: Record<"bounding" | "effective" | "permitted" | "inheritable" | "ambient", string[]>;
    rlimits: Rlimit[];
    noNewPrivileges?: boolean;
    oomScoreAdj?: number;
    apparmorProfile?: string;
    selinuxLabel?: string;
    ioPriority?: { class: string; priority: number };
    scheduler?: { policy: string; nice?: number; priority?: number };
  };
  mounts: Mount[];
  linux: {
    namespaces: { type: string; path?: string }[];
    cgroupsPath?: string;
    resources: Record<string, unknown>;
    maskedPaths: string[];
    readonlyPaths: string[];
    sysctl?: Record<string, string>;
    devices?: {
      path: string;
      type: string;
      major: number;
      minor: number;
      fileMode?: number;
      uid?: number;
      gid?: number;
    }[];
    rootfsPropagation?: string;
    seccomp?: unknown;
    uidMappings?: { containerID: number; hostID: number; size: number }[];
    gidMappings?: { containerID: number; hostID: number; size: number }[];
  };
}

export const DEFAULT_CAPABILITIES = [
  "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL",
  "AUDIT_WRITE",
].flatMap((line) => line.split(" ").map((name) => `CAP_${name}`));

const mount = (destination: string, type: string, source: string, options: string): Mount => ({
  destination,
  type,
  source,
  options: options.split(","),
});

/** What containerd's own default is, for the root file system at `rootfs`. */
export function defaultSpec(rootfs: string, args: readonly string[], id: string): Spec {
  const capabilities = () => [...DEFAULT_CAPABILITIES];
  return {
    ociVersion: "1.0.2",
    root: { path: rootfs },
    process: {
      args: [...args],
      env: ["PATH=/bin"],
      cwd: "/",
      user: { uid: 0, gid: 0 },
      capabilities: {
        bounding: capabilities(),
        effective: capabilities(),
        permitted: capabilities(),
        inheritable: [],
        ambient: [],
      },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 1024 }],
      noNewPrivileges: true,
    },
    mounts: [
      mount("/proc", "proc", "proc", "nosuid,noexec,nodev"),
      mount("/dev", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
      mount("/dev/pts", "devpts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620,gid=5"),
      mount("/dev/shm", "tmpfs", "shm", "nosuid,noexec,nodev,mode=1777,size=65536k"),
      mount("/dev/mqueue", "mqueue", "mqueue", "nosuid,noexec,nodev"),
      mount("/sys", "sysfs", "sysfs", "nosuid,noexec,nodev,ro"),
      mount("/run", "tmpfs", "tmpfs", "nosuid,strictatime,mode=755,size=65536k"),
    ],
    linux: {
      namespaces: ["pid", "ipc", "uts", "mount", "network"].map((type) => ({ type })),
      cgroupsPath: `/default/${id}`,
      resources: { devices: [{ allow: false, access: "rwm" }] },
      maskedPaths: ["acpi", "asound", "kcore", "keys", "latency_stats", "timer_list", "timer_stats", "sched_debug"]
        .map((name) => `/proc/${name}`)
        .concat("/sys/firmware", "/proc/scsi"),
      readonlyPaths: ["bus", "fs", "irq", "sys", "sysrq-trigger"].map((name) => `/proc/${name}`),
    },
  };
}
