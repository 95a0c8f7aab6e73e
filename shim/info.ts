import { packJson } from "../proto/containerd/any.ts";
import { encodeRuntimeInfo } from "../proto/containerd/messages.ts";
import { RUNTIME_NAME, VERSION } from "./version.ts";

/** What the runtime can do, as the OCI "features" document that containerd hands to CRI. */
const FEATURES = {
  ociVersionMin: "1.0.0",
  ociVersionMax: "1.3.0",
  hooks: ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"],
  mountOptions: ["bind", "noexec", "nodev", "nosuid", "rbind", "ro", "rw", "private", "rprivate", "slave", "rslave"],
  linux: {
    namespaces: ["cgroup", "ipc", "mount", "network", "pid", "uts"],
    cgroup: { v2: true },
    seccomp: { enabled: true },
    apparmor: { enabled: false },
    selinux: { enabled: false },
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
