#!/bin/bash
# Builds guest-init and packs it into the VM's initial RAM file system; beside that it puts microvm-seccomp, a program
# for the host that is made of the same libcrun.
# usage: guest-init/build.sh OUTPUT_INITRD
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../.make/cache.sh"
output=$1
build=$here/../build/guest-init

# Static libraries of the distribution go into the result: another version of them is another build.
libraries=$(dpkg-query -W -f '${Package} ${Version}\n' gcc libc6-dev libcap-dev libseccomp-dev)
libcrun=$(cached libcrun "$(cache_key "$here/libcrun.sh" "$libraries")" "$here/libcrun.sh")
make -s -C "$here" BUILD="$build" LIBCRUN="$libcrun" -j"$(nproc)" all

# newc_entry NAME MODE [MAJOR MINOR [FILE]]: one member of a cpio archive of the kind that the kernel
# unpacks. Written here because cpio can only archive device nodes that exist, which takes root.
inode=0
newc_entry() {
  local name=$1 mode=$2 major=${3:-0} minor=${4:-0} file=${5:-} size=0
  inode=$((inode + 1))
  [ -z "$file" ] || size=$(stat -c %s "$file")
  printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\0' \
    "$inode" "$mode" 0 0 1 0 "$size" 0 0 "$major" "$minor" $((${#name} + 1)) 0 "$name"
  pad $((110 + ${#name} + 1))
  if [ -n "$file" ]; then
    cat "$file"
    pad "$size"
  fi
}

# Members and their contents begin at multiples of four.
pad() { head -c $(((4 - $1 % 4) % 4)) /dev/zero; }

{
  for directory in dev nr proc run sys; do newc_entry "$directory" 0040755; done
  # The kernel opens the console for its init; null and kmsg serve until devtmpfs is mounted.
  newc_entry dev/console 0020600 5 1
  newc_entry dev/null 0020666 1 3
  newc_entry dev/kmsg 0020600 1 11
  newc_entry init 0100755 0 0 "$build/init"
  newc_entry 'TRAILER!!!' 0
} > "$build/initrd.img"
install -D -m 0644 "$build/initrd.img" "$output"
install -D -m 0755 "$build/microvm-seccomp" "$(dirname "$output")/microvm-seccomp"
