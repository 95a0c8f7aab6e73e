#!/bin/bash
# Builds the guest kernel from the distribution's linux-source package and puts `vmlinux` in place.
# usage: kernel/build.sh OUTPUT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../.make/cache.sh"
output=$1
source=/usr/src/linux-source-6.12.tar.xz

# Every option of the fragment must be in the configuration that Kconfig made of it: an option that
# was renamed, or whose dependency is missing, would otherwise vanish without a word.
check_config() {
  local line name value missing=0
  while read -r line; do
    case "$line" in CONFIG_*) ;; *) continue ;; esac
    name=${line%%=*} value=${line#*=}
    if [ "$value" = n ]; then
      if grep -q "^$name=" "$1"; then echo "not off: $name"; missing=1; fi
    elif ! grep -qxF "$line" "$1"; then
      echo "not in the configuration: $line"
      missing=1
    fi
  done < "$here/config.fragment"
  return "$missing"
}

build() {
  local out=$1 tree patch
  tree=$(mktemp -d)
  tar -xf "$source" -C "$tree" --strip-components=1
  for patch in "$here"/patches/*.patch; do patch -d "$tree" -p1 < "$patch"; done
  make -C "$tree" KCONFIG_ALLCONFIG="$here/config.fragment" allnoconfig
  check_config "$tree/.config"
  # The build's own name and time are fixed so that the same input gives the same kernel.
  make -C "$tree" -j"$(nproc)" vmlinux KBUILD_BUILD_TIMESTAMP='1970-01-01' KBUILD_BUILD_USER=microvm KBUILD_BUILD_HOST=microvm
  strip -o "$out/vmlinux" "$tree/vmlinux"
  cp "$tree/.config" "$out/config"
  rm -rf "$tree"
}

[ -e "$source" ] || { echo "kernel: $source is missing; run 'make setup'" >&2; exit 1; }
version=$(dpkg-query -W -f '${Version}' linux-source-6.12)
key=$(cache_key "$version" "$here/build.sh" "$here/config.fragment" "$here"/patches/*.patch)
entry=$(cached kernel "$key" build)
install -D -m 0644 "$entry/vmlinux" "$output"
