#!/bin/bash
# Says what this machine has for running containers in microvms, each finding with its remedy.
set -u
fine() { printf 'ok       %s\n' "$*"; }
lack() { printf 'missing  %s\n' "$*"; }

for tool in unshare nsenter setpriv mount umount; do
  if command -v "$tool" > /dev/null; then fine "$tool"; else lack "$tool: apt-get install util-linux mount"; fi
done
if command -v qemu-system-x86_64 > /dev/null; then
  version=$(qemu-system-x86_64 --version | sed -nE '1s/.*version ([0-9]+\.[0-9]+).*/\1/p')
  if printf '8.2\n%s\n' "$version" | sort -CV; then fine "QEMU $version"; else lack "QEMU $version is too old: 8.2 or later, on Debian 12 from bookworm-backports"; fi
else
  lack "QEMU: apt-get install qemu-system-x86"
fi
if [ -x build/virtiofsd ] || [ -x /usr/libexec/virtiofsd ]; then fine virtiofsd; else lack "virtiofsd: make build"; fi
for part in containerd-shim-microvm-v2 microvm-shim vmlinux initrd.img; do
  if [ -e "build/$part" ]; then fine "build/$part"; else lack "build/$part: make build"; fi
done
if [ -w /dev/kvm ] && grep -qE '^flags.*\s(vmx|svm)(\s|$)' /proc/cpuinfo; then
  fine "KVM"
else
  fine "TCG: no usable KVM, guests run emulated, some ten times slower (see /dev/kvm and the firmware's virtualisation setting)"
fi
