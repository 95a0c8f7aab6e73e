import { packJson } from "../proto/containerd/any.ts";
import { encodeRuntimeInfo } from "../proto/containerd/messages.ts";
import { RUNTIME_NAME, VERSION } from "./version.ts";

/**
 * What the runtime can do, as the OCI "features" document. containerd hands it to CRI, which reads mountOptions (rro) and
 * whether user namespaces and idmapped mounts work, and refuses a container that asks for idmapped mounts otherwise.
 */
export const FEATURES = {
  ociVersionMin: "1.0.0",
  ociVersionMax: "1.3.0",
  hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
  mountOptions: [
    ...["async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "mand", "noatime", "nodev"],
    ...["nodiratime", "noexec", "nomand", "norelatime", "nostrictatime", "nosuid", "private", "rbind", "relatime"],
    ...["remount", "ro", "rprivate", "rshared", "rslave", "runbindable", "rw", "shared", "slave", "strictatime"],
    ...["suid", "sync", "tmpcopyup", "unbindable"],
    // For all mounts below, too.
    ...["rro", "rrw", "rsuid", "rnosuid", "rdev", "rnodev", "rexec", "rnoexec", "ratime", "rnoatime", "rdiratime"],
    ...["rnodiratime", "rrelatime", "rnorelatime", "rstrictatime", "rnostrictatime"],
  ],
  linux: {
    namespaces: ["cgroup", "ipc", "mount", "network", "pid", "user", "uts"],
    // The guest's, where the container's limits hold.
    cgroup: { v1: false, v2: true, systemd: false, systemdUser: false, rdma: false },
    seccomp: {
      enabled: true,
      actions: ["ALLOW", "ERRNO", "KILL", "KILL_PROCESS", "KILL_THREAD", "LOG", "TRACE", "TRAP"].map(
        (name) => `SCMP_ACT_${name}`,
      ),
      operators: ["EQ", "GE", "GT", "LE", "LT", "MASKED_EQ", "NE"].map((name) => `SCMP_CMP_${name}`),
      archs: ["SCMP_ARCH_X86", "SCMP_ARCH_X86_64", "SCMP_ARCH_X32"],
      supportedFlags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW", "SECCOMP_FILTER_FLAG_TSYNC"],
    },
    apparmor: { enabled: false },
    selinux: { enabled: false },
    intelRdt: { enabled: false },
    mountExtensions: { idmap: { enabled: false } },
  },
};

/** The answer to `-info`: a marshalled containerd.types.RuntimeInfo. */
export function infoResponse(): Uint8Array {
  return encodeRuntimeInfo({
    name: RUNTIME_NAME,
    version: { version: VERSION, revision: "" },
    features: packJson("types.containerd.io/opencontainers/runtime-spec/1/features/Features", FEATURES),
  });
}
