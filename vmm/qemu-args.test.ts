import { expect, test } from "vitest";
import { qemuArgs } from "./qemu-args.ts";
import { checkVmConfig, type VmConfig } from "./vm-config.ts";

const CONFIG: VmConfig = {
  kernel: "/p/vmlinux",
  initrd: "/p/initrd.img",
  qemu: "/usr/bin/qemu-system-x86_64",
  virtiofsd: "/usr/libexec/virtiofsd",
  standIn: "/usr/libexec/microvm/microvm-stand-in",
  taps: "/usr/libexec/microvm/microvm-taps",
  loopback: "/usr/libexec/microvm/microvm-loopback",
  memory: "/usr/libexec/microvm/microvm-memory",
  blocking: "/usr/libexec/microvm/microvm-blocking",
  networkDevices: 2,
  accelerator: "tcg",
  vcpus: 2,
  memoryMib: 256,
  sharedDir: "/run/microvm/ns/id/shared",
  runDir: "/run/microvm/ns/id/run",
  network: { kind: "new" },
  uid: 1_836_449_792,
  bootTimeoutMs: 20_000,
};
const FDS = { qmp: 3, control: 4, io: 5, kernel: 6, initrd: 7, kvm: 8, memory: 9, taps: 11 };

function args(config: VmConfig): string {
  return qemuArgs(config, FDS, [{ tag: "shared", socketPath: "/run/v.sock" }]).join(" ");
}

test("nothing but the accelerator, the processor and the clearing of pages differs between KVM and TCG", () => {
  const tcg = args(CONFIG);
  const kvm = args({ ...CONFIG, accelerator: "kvm" });
  expect(kvm).toBe(
    tcg
      .replace(
        "-accel tcg,tb-size=128 -cpu max,-erms,-fsrm,-fsrs,-fzrm",
        "-add-fd fd=8,set=1,opaque=kvm -accel kvm,device=/dev/fdset/1 -cpu host",
      )
      .replace(" virtiofs.clear_pages=1", ""),
  );
});

test("under TCG the guest clears pages, so that code is translated anew", () => {
  expect(args(CONFIG)).toContain(" virtiofs.clear_pages=1 ");
});

test("the guest's memory is shared with virtiofsd and as large as the machine's", () => {
  expect(args(CONFIG)).toContain("-m 256M -object memory-backend-memfd,id=memory,size=256M,share=on");
});

test("devices are modern, the defaults are off and the sandbox is on", () => {
  expect(args(CONFIG)).toContain("-global virtio-mmio.force-legacy=false");
  expect(args(CONFIG)).toContain("-nodefaults -no-user-config");
  expect(args(CONFIG)).toContain("-sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny");
});

test("each share is a device of its own", () => {
  const shares = ["shared", "volumes"].map((tag) => ({ tag, socketPath: `/run/${tag}.sock` }));
  expect(qemuArgs(CONFIG, FDS, shares).slice(-8)).toEqual([
    ...["-chardev", "socket,id=shared,path=/run/shared.sock"],
    ...["-device", "vhost-user-fs-device,chardev=shared,tag=shared,queue-size=1024"],
    ...["-chardev", "socket,id=volumes,path=/run/volumes.sock"],
    ...["-device", "vhost-user-fs-device,chardev=volumes,tag=volumes,queue-size=1024"],
  ]);
});

test("a bad configuration is refused by name", () => {
  expect(() => checkVmConfig({ ...CONFIG, kernel: "vmlinux" })).toThrow('kernel: "vmlinux" is not an absolute path');
  expect(() => checkVmConfig({ ...CONFIG, initrd: "/a,b" })).toThrow("comma");
  expect(() => checkVmConfig({ ...CONFIG, vcpus: 0 })).toThrow("vcpus: 0 is not a whole number from 1 to 64");
  expect(() => checkVmConfig({ ...CONFIG, memoryMib: 1.5 })).toThrow("memoryMib");
  expect(checkVmConfig(CONFIG)).toBe(CONFIG);
});

test("a network device has its tap by descriptor and an address to be known by", () => {
  const line = args(CONFIG);
  expect(line).toContain(
    "-netdev tap,id=net0,fd=11 -device virtio-net-device,netdev=net0,mac=02:6d:76:6d:00:00,guest_announce=off",
  );
  expect(line).toContain("-netdev tap,id=net1,fd=12 -device virtio-net-device,netdev=net1,mac=02:6d:76:6d:00:01");
  expect(args({ ...CONFIG, networkDevices: 0 })).not.toContain("net0");
});

test("a VM that is restored differs from one that boots by where it begins and its memory lies, and nothing else", () => {
  const begins = (beginning: "boot" | "boot-to-save" | "restore") => qemuArgs(CONFIG, FDS, [], beginning).join(" ");
  const saved = begins("boot").replace("memory-backend-memfd,", "memory-backend-file,mem-path=/proc/self/fd/9,");
  expect(begins("boot-to-save")).toBe(saved);
  expect(begins("restore")).toBe(saved.replace(/-kernel .* -append .*(?= -serial)/, "-incoming defer"));
});
