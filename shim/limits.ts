import type { Limits } from "../vmm/size.ts";
import type { Spec } from "./bundle.ts";

/** What CRI says of a whole pod, on its sandbox: the sum of the limits, where every container has one. */
const POD = {
  memory: "io.kubernetes.cri.sandbox-memory",
  cpuQuota: "io.kubernetes.cri.sandbox-cpu-quota",
  cpuPeriod: "io.kubernetes.cri.sandbox-cpu-period",
} as const;

/** The limits that the VM is sized for: the pod's where it is one, else the container's own. */
export function limitsOf({ annotations, linux }: Spec): Limits {
  const pod = (name: string) => {
    const text = annotations?.[name] ?? "";
    return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
  };
  const { memory, cpu } = linux?.resources ?? {};
  const quota = pod(POD.cpuQuota);
  return {
    memory: pod(POD.memory) ?? memory?.limit,
    cpuQuota: quota ?? cpu?.quota,
    cpuPeriod: quota === undefined ? cpu?.period : pod(POD.cpuPeriod),
  };
}
