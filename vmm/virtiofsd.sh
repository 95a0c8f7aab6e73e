#!/bin/bash
# Puts virtiofsd in place: the distribution's where it is the Rust program, else built by cargo.
# usage: vmm/virtiofsd.sh OUTPUT
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../.make/cache.sh"
output=$1
version=1.14.0

build() {
  local out=$1
  CARGO_TARGET_DIR=$(mktemp -d) cargo install --locked --no-track --version "$version" --root "$out" virtiofsd
}

if [ -x /usr/libexec/virtiofsd ]; then
  install -D -m 0755 /usr/libexec/virtiofsd "$output"
else
  entry=$(cached virtiofsd "$(cache_key "$version" "$here/virtiofsd.sh")" build)
  install -D -m 0755 "$entry/bin/virtiofsd" "$output"
fi
