import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import type { Spec } from "./bundle.ts";

/** `linux.devices[]` of config.json. */
export interface Device {
  readonly path?: string;
  readonly type?: string;
  readonly major?: number;
  readonly minor?: number;
  readonly [key: string]: unknown;
}

/**
 * The character devices that the guest's kernel has under the same numbers as the host's: null, zero, full, random,
 * urandom, kmsg, tty, console, ptmx, net/tun, fuse and loop-control.
 */
const IN_GUEST = new Set([
  "1:3",
  "1:5",
  "1:7",
  "1:8",
  "1:9",
  "1:11",
  "5:0",
  "5:1",
  "5:2",
  "10:200",
  "10:229",
  "10:237",
]);

/**
 * The devices that the container gets. A node with a host device's numbers would be another device in the guest, or
 * none, so it is refused, with the reason; a privileged container, which was given whatever the host has, goes
 * without.
 *
 * Throws InvalidArgument.
 */
export function guestDevices(spec: Spec): { devices: readonly Device[]; dropped: readonly string[] } {
  const devices: Device[] = [];
  const dropped: string[] = [];
  for (const device of spec.linux?.devices ?? []) {
    if (existsInGuest(device)) devices.push(device);
    else if (isPrivileged(spec)) dropped.push(String(device.path));
    else {
      throw new RpcError(
        Code.InvalidArgument,
        `device ${device.path} (${device.type} ${device.major}:${device.minor}) is the host's: the container's kernel in the VM does not have it`,
      );
    }
  }
  return { devices, dropped };
}

function existsInGuest({ type, major, minor }: Device): boolean {
  if (type === "p") return true;
  return (type === "c" || type === "u") && IN_GUEST.has(`${major}:${minor}`);
}

/** Every device may be used, of any type and number. */
function isPrivileged(spec: Spec): boolean {
  return (spec.linux?.resources?.devices ?? []).some(
    ({ allow, type, major, minor }) =>
      allow === true && (type ?? "a") === "a" && (major ?? -1) === -1 && (minor ?? -1) === -1,
  );
}
