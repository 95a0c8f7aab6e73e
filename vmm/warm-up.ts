/**
 * What a VM does before its memory is saved: one container, from its making to its removal, and a program run in it. The
 * kernel and guest-init have every path behind them then that a container of a clone takes. Nothing of any real container
 * goes into it, for what a template has all of its clones have.
 */
import { chmodSync, copyFileSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { guest } from "../proto/guest/methods.ts";
import type { Vm } from "./vm.ts";

const ID = "warm-up";
const DEVICES = ["c 1:3", "c 1:5", "c 1:7", "c 1:8", "c 1:9", "c 5:0", "c 5:2", "c 136:*"];
const CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_SETUID"];

/** Rejects if anything of it does not work: such a VM is no template. */
export async function warmUp(vm: Vm): Promise<void> {
  const ended = Promise.withResolvers<void>();
  void vm.guest.subscribe(guest.events, {}, ({ exit }) => exit?.containerId === ID && ended.resolve()).catch(() => {});
  const root = join(vm.config.sharedDir, ID);
  makeRoot(root, vm.config.taps);
  const stdio = { stdin: 0, stdout: 0, stderr: 0, terminal: false };
  const call = vm.guest.call.bind(vm.guest);
  // The devices wait without an interface: taking one away takes longer than giving one.
  await call(guest.network, {});
  await call(guest.create, { containerId: ID, spec: Buffer.from(JSON.stringify(spec())), stdio });
  await call(guest.stats, { containerId: ID });
  await call(guest.start, { containerId: ID });
  await Promise.race([ended.promise, vm.ended.then((reason) => Promise.reject(new Error(reason)))]);
  await call(guest.delete, { containerId: ID });
  rmSync(root, { recursive: true });
}

/** Any program will do that needs nothing else: called without arguments ours says how it is to be called, and ends. */
function makeRoot(root: string, program: string): void {
  for (const name of ["dev", "proc", "sys", "run", "etc"]) mkdirSync(join(root, "rootfs", name), { recursive: true });
  copyFileSync(program, join(root, "rootfs/program"));
  chmodSync(join(root, "rootfs/program"), 0o755);
}

/** Of the usual kind. */
function spec(): object {
  const capabilities = { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES };
  const plain = ["nosuid", "noexec", "nodev"];
  return {
    ociVersion: "1.1.0",
    process: {
      user: { uid: 0, gid: 0 },
      args: ["/program"],
      env: ["PATH=/"],
      cwd: "/",
      noNewPrivileges: true,
      capabilities,
    },
    root: { path: `/run/shared/${ID}/rootfs` },
    hostname: ID,
    mounts: [
      { destination: "/proc", type: "proc", source: "proc", options: plain },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "strictatime", "mode=755"] },
      { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid", "noexec", "newinstance"] },
      { destination: "/dev/shm", type: "tmpfs", source: "shm", options: plain },
      { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: plain },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: [...plain, "ro"] },
      { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...plain, "relatime", "ro"] },
      { destination: "/run", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"] },
    ],
    linux: {
      cgroupsPath: `/${ID}`,
      resources: { devices: [{ allow: false, access: "rwm" }, ...DEVICES.map(allowed)], memory: { limit: 32 << 20 } },
      namespaces: ["pid", "ipc", "uts", "mount", "cgroup"].map((type) => ({ type })),
      maskedPaths: ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}

function allowed(device: string): object {
  const [type, numbers = ""] = device.split(" ");
  const [major, minor] = numbers.split(":");
  return { allow: true, type, major: Number(major), ...(minor === "*" ? {} : { minor: Number(minor) }), access: "rwm" };
}
