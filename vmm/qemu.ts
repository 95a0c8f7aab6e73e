import { closeSync, openSync } from "node:fs";
import { debugScope } from "../proto/debug.ts";
import { Child, confinedArgv } from "./child.ts";
import { stateArgs } from "./migration.ts";
import { type Beginning, qemuArgs, type Share } from "./qemu-args.ts";
import type { VmConfig } from "./vm-config.ts";

const debug = debugScope("microvm-vm");

/** Descriptors of QEMU, in the order of its stdio below. */
const FDS = { qmp: 3, control: 4, io: 5, kernel: 6, initrd: 7, kvm: 8, memory: 9, state: 10, taps: 11 };

type Source = number | "ignore";

/** Starts QEMU: it has its sockets as stdio 3 to 5 here, too. Rejects, with nothing left, if it cannot be started. */
export async function startQemu(
  config: VmConfig,
  virtiofsds: readonly Share[],
  beginning: Beginning,
  given: { memory: number; state: number } | undefined,
): Promise<Child> {
  const machine = qemuArgs(config, FDS, virtiofsds, beginning);
  const argv = confinedArgv(config.qemu, [...machine, ...(given ? stateArgs(FDS.state) : [])], {
    network: config.network,
    inNetwork: config.networkDevices > 0 ? tapsArgv(config) : undefined,
    // The socket of virtiofsd lies in a directory of the VM's user.
    uid: config.uid,
  });
  debug("QEMU: %j", argv);
  const files = openFiles(config, beginning !== "restore");
  // "pipe" is a connected pair of unix sockets in Node: both directions, no path, and it ends with either side.
  const sockets = ["pipe", "pipe", "pipe"] as const;
  const fds: Source[] = [...files.fds, given?.memory ?? "ignore", given?.state ?? "ignore"];
  return Child.spawn(argv, ["ignore", "pipe", "pipe", ...sockets, ...fds]).finally(() => files.close());
}

/** In a namespace of the VM's own they can be left to the end of it. */
function tapsArgv({ taps, networkDevices, network }: VmConfig): string[] {
  return [taps, `${networkDevices}`, `${FDS.taps}`, network.kind === "new" ? "stay" : "end"];
}

/**
 * Opens what QEMU's user may have no way to: the kernel may lie in a directory of root's, and /dev/kvm is root's often.
 * Throws with the path of what cannot be opened, with nothing left open.
 */
function openFiles(config: VmConfig, boots: boolean): { fds: Source[]; close(): void } {
  const fds: Source[] = [];
  const close = () => {
    for (const fd of fds) if (fd !== "ignore") closeSync(fd);
  };
  try {
    for (const path of [config.kernel, config.initrd]) fds.push(boots ? openSync(path, "r") : "ignore");
    fds.push(config.accelerator === "kvm" ? openSync("/dev/kvm", "r+") : "ignore");
  } catch (error) {
    close();
    throw error;
  }
  return { fds, close };
}
