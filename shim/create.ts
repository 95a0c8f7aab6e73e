import { mkdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { guest } from "../proto/guest/methods.ts";
import { monotonicMs } from "../proto/monotonic.ts";
import { bindsOf } from "./bind.ts";
import { identity } from "./bundle.ts";
import { checkProcess } from "./check-process.ts";
import { Container, type ContainerOptions } from "./container.ts";
import { guestDevices } from "./devices.ts";
import { guestRootPath, guestSpec, hostRootPath } from "./guest-spec.ts";
import { owePoststop, payPoststop, runHooks } from "./hooks.ts";
import { bindMount, type Mount, mountAll, removeRoot } from "./mounts.ts";
import { clientError } from "./runtime-error.ts";
import type { Sandbox } from "./sandbox.ts";
import { withFilter } from "./seccomp.ts";
import { Stdio } from "./stdio.ts";

export interface CreateOptions extends ContainerOptions {
  /** From the request; empty where config.json names the root. */
  readonly rootfs: readonly Mount[];
}

/** Mounts, opens the streams and sets a container up in the guest. Rejects with nothing left of it. */
export async function createContainer(sandbox: Sandbox, options: CreateOptions): Promise<Container> {
  const { id, bundle, spec } = options;
  checkProcess(spec.process);
  noteDropped(options, sandbox);
  // Beside the boot and the mounts.
  const filter = sandbox.seccomp.compile(spec, id);
  const binds = bindsOf(spec, bundle);
  await using undo = new AsyncDisposableStack();
  const begun = monotonicMs();
  const container = new Container(sandbox, options);
  await mountRoot(sandbox, options, undo);
  const pid = await standFor(container, undo);
  undo.defer(() => sandbox.volumes.release(id));
  const volumes = await sandbox.volumes.add(id, binds);
  const translated = guestSpec(spec, id, volumes, hostname(), (path) => sandbox.namespacePath(path));
  await runCreateHooks(container, pid, undo);
  const mounted = monotonicMs();
  const { streams } = await sandbox.ready();
  const ready = monotonicMs();
  // The network's sysctls of config.json want their interfaces.
  await sandbox.syncNetwork(false);
  const stdio = await Stdio.open(options.stdio, sandbox.stdioContext(id), streams, () => sandbox.nextStream());
  undo.defer(() => stdio.close());
  container.init.own(stdio);
  // Known before the call, so that an exit cannot come too early.
  sandbox.containers.set(id, container);
  undo.defer(() => void sandbox.containers.delete(id));
  await sandbox.rest();
  const document = Buffer.from(JSON.stringify(withFilter(translated, await filter)));
  const request = { containerId: id, spec: document, stdio: stdio.streams };
  const creating = sandbox.call(guest.create, request);
  sandbox.joinNetwork();
  const created = await creating.catch((error) => {
    throw clientError("create", error, new Map([[guestRootPath(id), givenRoot(options)]]));
  });
  container.init.guestPid = created.pid;
  stdio.start();
  sandbox.log.write("debug", "container created", {
    id,
    t_mount: Math.round(mounted - begun),
    t_wait: Math.round(ready - mounted),
    t_create: Math.round(monotonicMs() - ready),
  });
  undo.move();
  return container;
}

async function mountRoot(sandbox: Sandbox, options: CreateOptions, undo: AsyncDisposableStack): Promise<void> {
  const { id, bundle, spec, rootfs } = options;
  // What is mounted below the shared directory before it is shared would not reach virtiofsd.
  await sandbox.launched();
  const shared = sandbox.sharedPath(id);
  mkdirSync(shared, { recursive: true, mode: 0o711 });
  undo.defer(() => removeRoot(shared));
  if (rootfs.length > 0) await mountAll(rootfs, sandbox.rootPath(id));
  else await bindMount(hostRootPath(spec, bundle), sandbox.rootPath(id));
}

async function runCreateHooks(container: Container, pid: number, undo: AsyncDisposableStack): Promise<void> {
  const { id, bundle, spec, sandbox } = container;
  const state = { id, status: "creating", pid, bundle } as const;
  owePoststop(spec, bundle);
  undo.defer(() => payPoststop(spec, id, bundle, (line) => sandbox.log.write("warning", line, { id })));
  await runHooks("prestart", spec, state);
  await runHooks("createRuntime", spec, state);
  await runHooks("createContainer", spec, state, sandbox.rootPath(id));
}

/** The pid of the process on the host that stands for the init. Hooks and clients look for its network namespace. */
async function standFor(container: Container, undo: AsyncDisposableStack): Promise<number> {
  const { sandbox, spec, init } = container;
  const standIn = await sandbox.standIn(container.id, {
    ...identity(spec.process ?? {}),
    onSignal: (signal) => container.signalled(init, signal),
  });
  init.standIn = standIn;
  undo.defer(() => standIn.end());
  return standIn.pid;
}

/** The root file system as the client knows it. */
function givenRoot({ spec, bundle, rootfs }: CreateOptions): string {
  return rootfs.length > 0 ? join(bundle, "rootfs") : hostRootPath(spec, bundle);
}

/** The guest has neither AppArmor nor SELinux, for the VM is the boundary there; nor has it the host's devices. */
function noteDropped({ id, spec }: CreateOptions, sandbox: Sandbox): void {
  const { dropped } = guestDevices(spec);
  if (dropped.length > 0) sandbox.log.write("debug", `devices of the host are left out: ${dropped.join(" ")}`, { id });
  const { apparmorProfile, selinuxLabel } = spec.process ?? {};
  if (apparmorProfile) sandbox.log.write("debug", `AppArmor profile ${apparmorProfile} is dropped`, { id });
  if (selinuxLabel) sandbox.log.write("debug", `SELinux label ${selinuxLabel} is dropped`, { id });
}
