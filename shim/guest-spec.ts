import { isAbsolute, resolve } from "node:path";
import { Code } from "../proto/ttrpc/code.ts";
import { RpcError } from "../proto/ttrpc/rpc-error.ts";
import { isBind } from "./bind.ts";
import type { Resources, Spec, SpecMount } from "./bundle.ts";
import { guestDevices } from "./devices.ts";
import type { GuestBind } from "./volumes.ts";

/** Where guest-init mounts the shared directory. */
const GUEST_SHARED = "/run/shared";

/**
 * Translates a container's config.json from the host to the guest: paths, namespaces and what only a host has. Pure.
 * `volumes`: one for each bind mount. `hostname`: the host's.
 * `namespacePath`: of a namespace in the guest, for a path on the host that is the same one's; undefined for any other.
 * Throws Unimplemented for what a VM cannot give (yet), with the reason, and what `guestDevices` throws.
 */
export function guestSpec(
  spec: Spec,
  id: string,
  volumes: readonly GuestBind[],
  hostname: string,
  namespacePath: (path: string) => string | undefined,
): Spec {
  const binds = volumes.values();
  const mounts = (spec.mounts ?? []).map((mount) => ({
    ...mount,
    // As runc takes it: from the root, and without looking at what ".." passes by.
    destination: resolve("/", mount.destination),
    ...(isBind(mount) && guestBind(mount, binds.next().value)),
  }));
  // The guest has no AppArmor and no SELinux: the VM is the boundary there. Of the
  // hooks only startContainer's run inside the container; the host runs the others.
  const { apparmorProfile: _apparmor, selinuxLabel: _selinux, ...process } = spec.process ?? {};
  const { hooks, ...rest } = spec;
  const { startContainer = [] } = hooks ?? {};
  return {
    // A container without a hostname of its own has the host's, also where the kernel is not the host's.
    hostname,
    ...rest,
    process,
    ...(startContainer.length > 0 && { hooks: { startContainer } }),
    root: { ...spec.root, path: guestRootPath(id) },
    mounts,
    linux: guestLinux(spec, id, namespacePath),
  };
}

function guestBind({ options = [] }: SpecMount, bind: GuestBind | undefined): Partial<SpecMount> {
  return { source: bind?.source ?? "", options: [...options, ...(bind?.flags ?? [])] };
}

/** Where the guest finds a container's root file system. */
export function guestRootPath(id: string): string {
  return `${GUEST_SHARED}/${id}/rootfs`;
}

function guestLinux(
  spec: Spec,
  id: string,
  namespacePath: (path: string) => string | undefined,
): NonNullable<Spec["linux"]> {
  const { mountLabel: _label, intelRdt: _rdt, devices: _devices, ...linux } = spec.linux ?? {};
  const namespaces = (linux.namespaces ?? []).map((namespace) => {
    const { type, path } = namespace;
    if (path === undefined || path === "" || type === "network") return namespace;
    const inGuest = namespacePath(path);
    if (inGuest !== undefined) return { type, path: inGuest };
    throw new RpcError(
      Code.Unimplemented,
      `joining the ${type} namespace ${path} is not supported: it is of the host or of another VM`,
    );
  });
  const { devices } = guestDevices(spec);
  return {
    ...linux,
    ...(devices.length > 0 && { devices: [...devices] }),
    // The network namespace of the VM is the container's. libcrun sets net.* sysctls only where one is named.
    namespaces: [...namespaces.filter(({ type }) => type !== "network"), { type: "network", path: "/proc/1/ns/net" }],
    // containerd's path is the VM's on the host; in the guest there is one container a name.
    cgroupsPath: `/${id}`,
    ...(linux.resources === undefined ? {} : { resources: guestResources(linux.resources) }),
  };
}

/** The processors' and memory nodes' numbers are the host's; the guest has as many processors as it is given. */
export function guestResources(resources: Resources): Resources {
  if (resources.cpu === undefined) return resources;
  const { cpus: _cpus, mems: _mems, ...cpu } = resources.cpu;
  return { ...resources, cpu };
}

/** Directory or path of the root file system on the host when Create brings no mounts: root.path of config.json. */
export function hostRootPath(spec: Spec, bundle: string): string {
  const path = spec.root?.path;
  if (path === undefined || path === "") {
    throw new RpcError(
      Code.InvalidArgument,
      "no root file system: neither mounts in Create nor root.path in config.json",
    );
  }
  return isAbsolute(path) ? path : resolve(bundle, path);
}
