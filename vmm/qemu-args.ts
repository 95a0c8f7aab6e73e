import type { VmConfig } from "./vm-config.ts";

/** Tags of the virtiofs devices: the names under which guest-init mounts the directories. */
export const SHARED_TAG = "shared";
export const VOLUMES_TAG = "volumes";

/** Names of the virtio-serial ports; see proto/guest.md. */
export const CONTROL_PORT = "microvm.control";
export const IO_PORT = "microvm.io";

/** Descriptors that QEMU inherits: connected sockets, so that no path and no dialling is needed. */
export interface QemuDescriptors {
  readonly qmp: number;
  readonly control: number;
  readonly io: number;
  /** Opened for reading: QEMU's user may not reach their paths. */
  readonly kernel: number;
  readonly initrd: number;
  /** /dev/kvm, opened; used only with KVM. */
  readonly kvm: number;
  /** The guest's memory; not used by a VM that only boots. */
  readonly memory: number;
  /** The first of the tap devices. */
  readonly taps: number;
}

/**
 * How a VM begins: the kernel boots, or boots in a memory that is going to be saved, or QEMU waits for the state that goes
 * with the memory it is given.
 */
export type Beginning = "boot" | "boot-to-save" | "restore";

const KERNEL_ARGUMENTS = [
  // No console driver at all: early printk writes what is urgent to the first serial port, at any time.
  "console=ttynull",
  "earlyprintk=serial,ttyS0,115200,keep",
  "quiet",
  // With -no-reboot a triple fault is the quickest way to end the VM, and a panic takes it at once.
  "reboot=t",
  "panic=-1",
  // QEMU's emulated APIC timer counts nanoseconds; without this the kernel measures it for 0.25 s under TCG.
  "lapic_timer_hz=1000000000",
  "random.trust_cpu=on",
  // The interrupt of the clock chip is a virtio device's. The kernel reads the time without its driver.
  "initcall_blacklist=cmos_init",
  // No interfaces of the kernel's own, which the container would see: neither dummy0 nor tunl0.
  "dummy.numdummies=0",
  "fb_tunnels=none",
];

/**
 * TCG keeps its translation of a page of code until the guest or QEMU writes to that page. virtiofsd is neither: what it
 * reads into a page that held code before would be run as the old code. A page that the guest clears first is translated
 * anew.
 */
const TCG_KERNEL_ARGUMENTS = ["virtiofs.clear_pages=1"];

/**
 * Fast string instructions are slow under TCG, which carries them out byte by byte. Without them the guest's kernel and
 * libc copy and clear eight bytes and more at a time.
 */
const TCG_PROCESSOR = "max,-erms,-fsrm,-fsrs,-fzrm";

/** A directory that the guest sees, by the tag it mounts it by; a virtiofsd listens on the socket. */
export interface Share {
  readonly tag: string;
  readonly socketPath: string;
}

/** The command line of QEMU, without the program's name. Pure: the same input gives the same arguments. */
export function qemuArgs(
  config: VmConfig,
  fds: QemuDescriptors,
  shares: readonly Share[],
  beginning: Beginning = "boot",
): string[] {
  return [
    [
      "-M",
      "microvm,acpi=off,pit=on,pic=on,rtc=on,isa-serial=on,ioapic2=on,auto-kernel-cmdline=on,memory-backend=memory",
    ],
    ...acceleratorArgs(config, fds.kvm),
    ["-cpu", config.accelerator === "kvm" ? "host" : TCG_PROCESSOR],
    ["-smp", String(config.vcpus)],
    ["-m", `${config.memoryMib}M`],
    ["-object", `${memoryBackend(fds, beginning)},id=memory,size=${config.memoryMib}M,share=on`],
    ["-nodefaults", "-no-user-config", "-nographic", "-no-reboot"],
    ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ["-name", "microvm,debug-threads=on"],
    // vhost-user refuses legacy virtio.
    ["-global", "virtio-mmio.force-legacy=false"],
    ...(beginning === "restore" ? [["-incoming", "defer"]] : kernelArgs(config, fds)),
    ["-serial", "stdio"],
    ["-chardev", `socket,id=qmp,fd=${fds.qmp}`, "-mon", "chardev=qmp,mode=control"],
    ["-device", "virtio-serial-device,max_ports=3"],
    ["-chardev", `socket,id=control,fd=${fds.control}`],
    ["-device", `virtserialport,chardev=control,name=${CONTROL_PORT}`],
    ["-chardev", `socket,id=io,fd=${fds.io}`],
    ["-device", `virtserialport,chardev=io,name=${IO_PORT}`],
    ["-object", "rng-random,id=rng,filename=/dev/urandom", "-device", "virtio-rng-device,rng=rng"],
    ["-device", "virtio-balloon-device,free-page-reporting=on"],
    ...Array.from({ length: config.networkDevices }, (_, index) => [
      ...["-netdev", `tap,id=net${index},fd=${fds.taps + index}`],
      ...["-device", `virtio-net-device,netdev=net${index},mac=${deviceMac(index)},guest_announce=off`],
    ]),
    ...shares.map(({ tag, socketPath }) => [
      ...["-chardev", `socket,id=${tag},path=${socketPath}`],
      ...["-device", `vhost-user-fs-device,chardev=${tag},tag=${tag},queue-size=1024`],
    ]),
  ].flat();
}

/** vhost-user devices reach the guest's memory through this file. What has no name QEMU saves with the state. */
function memoryBackend(fds: QemuDescriptors, beginning: Beginning): string {
  return beginning === "boot" ? "memory-backend-memfd" : `memory-backend-file,mem-path=/proc/self/fd/${fds.memory}`;
}

function kernelArgs(config: VmConfig, fds: QemuDescriptors): string[][] {
  return [
    ["-kernel", `/proc/self/fd/${fds.kernel}`],
    ["-initrd", `/proc/self/fd/${fds.initrd}`],
    ["-append", kernelArguments(config).join(" ")],
  ];
}

/** What microvm-taps calls the tap of a network device, in the VM's network namespace. */
export function tapName(index: number): string {
  return `lo-microvm${index}`;
}

/** Whether an interface of that namespace is such a tap. */
export function isTap(name: string): boolean {
  return /^lo-microvm\d+$/.test(name);
}

/** The address that a network device has before it gets that of an interface: guest-init knows the device by it. */
export function deviceMac(index: number): string {
  return `02:6d:76:6d:00:${index.toString(16).padStart(2, "0")}`;
}

function kernelArguments({ accelerator, tscKhz }: VmConfig): string[] {
  if (accelerator === "kvm") return KERNEL_ARGUMENTS;
  return [...KERNEL_ARGUMENTS, ...TCG_KERNEL_ARGUMENTS, ...(tscKhz === undefined ? [] : tscArguments(tscKhz))];
}

/**
 * TCG gives the guest the host's time-stamp counter and nothing to measure it by: without these the kernel tries for
 * long, gives it up, and counts its clock in jiffies, with a tick that never rests.
 */
function tscArguments(khz: number): string[] {
  return [`tsc_early_khz=${khz}`, "tsc=reliable"];
}

function acceleratorArgs(config: VmConfig, kvmFd: number): string[][] {
  // The buffer for translated code counts as QEMU's memory; its default is up to a gigabyte.
  if (config.accelerator === "tcg") return [["-accel", "tcg,tb-size=128"]];
  return [
    ["-add-fd", `fd=${kvmFd},set=1,opaque=kvm`],
    ["-accel", "kvm,device=/dev/fdset/1"],
  ];
}
