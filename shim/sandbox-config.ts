/** What a VM is to be, from the container that it is made for, the settings and the machine. */
import { readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { chooseAccelerator } from "../vmm/accelerator.ts";
import { locateParts } from "../vmm/locate.ts";
import { vmSize } from "../vmm/size.ts";
import { tscKhz } from "../vmm/tsc.ts";
import { checkVmConfig, type NetworkNamespace, type VmConfig } from "../vmm/vm-config.ts";
import { mayHaveVolumes } from "./bind.ts";
import type { Spec } from "./bundle.ts";
import { VmCgroup } from "./cgroup.ts";
import { limitsOf } from "./limits.ts";
import type { Log } from "./log.ts";
import type { Settings } from "./settings.ts";
import { STATE_ROOT, type StateDir } from "./state-dir.ts";

/** Throws an Error that says what is missing or cannot be given. */
export function vmConfig(spec: Spec, settings: Settings, stateDir: StateDir): VmConfig {
  const size = vmSize(limitsOf(spec), {
    defaultMemoryMib: settings.memory_mib,
    maxMemoryMib: settings.max_memory_mib,
    defaultVcpus: settings.vcpus,
    maxVcpus: settings.max_vcpus,
    overheadMib: settings.overhead_mib,
  });
  const network = networkOf(spec);
  const { sharedDir, volumesDir, runDir, uid } = stateDir;
  const { tsc, ...parts } = locateParts(settings, thisProgram(), process.env.PATH ?? "");
  const accelerator = chooseAccelerator(settings.accelerator);
  return checkVmConfig({
    ...parts,
    accelerator,
    tscKhz: accelerator === "tcg" ? tscKhz(tsc, join(STATE_ROOT, "tsc_khz")) : undefined,
    ...size,
    sharedDir,
    volumesDir: mayHaveVolumes(spec) ? volumesDir : undefined,
    runDir,
    uid,
    network,
    networkDevices: settings.network_devices,
    bootTimeoutMs: settings.boot_timeout_s * 1000,
  });
}

/** Path of the shim's executable: its parts lie beside it. */
export function thisProgram(): string {
  return readlinkSync("/proc/self/exe");
}

/** The VM's place among the host's cgroups; not made yet. */
export function vmCgroup(spec: Spec, config: VmConfig, settings: Settings, log: Log): VmCgroup {
  const { cgroupsPath, resources = {} } = spec.linux ?? {};
  const memoryBytes = (config.memoryMib + settings.host_overhead_mib) * 1024 * 1024;
  return new VmCgroup(cgroupsPath, resources, memoryBytes, log);
}

function networkOf(spec: Spec): NetworkNamespace {
  const namespace = (spec.linux?.namespaces ?? []).find(({ type }) => type === "network");
  // By either way of asking for it: all of the host's interfaces would be the VM's.
  if (namespace === undefined || (namespace.path && isHostNetwork(namespace.path))) {
    throw new Error("the host's network cannot be given to a VM: choose a network of the container's own, or none");
  }
  return namespace.path ? { kind: "path", path: namespace.path } : { kind: "new" };
}

/** What cannot be looked at is named when it is entered. */
function isHostNetwork(path: string): boolean {
  const own = statSync("/proc/self/ns/net");
  const other = statSync(path, { throwIfNoEntry: false });
  return other?.ino === own.ino && other.dev === own.dev;
}
