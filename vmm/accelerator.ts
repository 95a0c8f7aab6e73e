import { accessSync, constants, readFileSync } from "node:fs";
import type { Accelerator } from "./vm-config.ts";

/** What the rule looks at; replaced in tests. */
export interface AcceleratorProbe {
  kvmWritable(): boolean;
  cpuinfo(): string;
}

const host: AcceleratorProbe = {
  kvmWritable() {
    try {
      accessSync("/dev/kvm", constants.R_OK | constants.W_OK);
      return true;
    } catch {
      return false;
    }
  },
  cpuinfo: () => readFileSync("/proc/cpuinfo", "latin1"),
};

/**
 * KVM only where /dev/kvm opens for writing and the processor says that it virtualises: a nested software hypervisor
 * can offer a /dev/kvm that creates VMs whose kernels never boot.
 */
export function chooseAccelerator(wanted: Accelerator | "auto", probe: AcceleratorProbe = host): Accelerator {
  if (wanted !== "auto") return wanted;
  if (!probe.kvmWritable()) return "tcg";
  const flags = /^flags\s*:(.*)$/m.exec(probe.cpuinfo())?.[1] ?? "";
  return /\s(vmx|svm)(\s|$)/.test(flags) ? "kvm" : "tcg";
}
