import { guest } from "../proto/guest/methods.ts";
import { Loopback } from "../vmm/loopback.ts";
import type { Vm } from "../vmm/vm.ts";
import { Network } from "./network.ts";
import type { Sandbox } from "./sandbox.ts";
import type { SandboxVm } from "./sandbox-vm.ts";
import { Tunnel, type TunnelGuest } from "./tunnel.ts";

/** The network of a VM that is ready, for its sandbox. */
export function sandboxNetwork(sandbox: Sandbox, machine: SandboxVm, vm: Vm): Network {
  const { namespace } = machine;
  return new Network({
    pid: vm.pid,
    devices: vm.config.networkDevices,
    bare: vm.restored,
    configure: (request) => sandbox.call(guest.network, request),
    path: namespace?.kind === "path" ? namespace.path : undefined,
    openLoopback: () => openLoopback(sandbox, vm, namespace?.kind === "new"),
    warn: (message) => sandbox.log.write("warning", message),
    onCoupled: (network) => machine.rememberNetwork(network),
  });
}

/** `raise`: nobody else brings the namespace's loopback interface up. */
function openLoopback(sandbox: Sandbox, vm: Vm, raise: boolean): Promise<Loopback> {
  const reach: TunnelGuest = {
    streams: vm.streams,
    nextStream: () => sandbox.nextStream(),
    dial: (request) => sandbox.call(guest.dial, request),
  };
  return Loopback.spawn(vm.config.loopback, {
    networkOf: vm.pid,
    uid: vm.config.uid,
    raise,
    dial: (target) => Tunnel.dial(reach, target),
  });
}
