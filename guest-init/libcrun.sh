#!/bin/bash
# Builds the static libraries of crun's source package, as Debian 13 has it, into a directory:
# lib/ with the archives, include/ with the headers that go with them.
# usage: guest-init/libcrun.sh OUTPUT_DIR
set -euo pipefail
out=$(cd "$1" && pwd)
version=1.21-1

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
# Only the original sources: nothing of Debian's packaging is used.
apt-get source -qq --download-only --tar-only -o APT::Sandbox::User=root "crun=$version"
tar -xzf crun_*.orig.tar.gz --strip-components=1

# What `make` would ask git for. The release's own archives have it, Debian's copy may not.
[ -e git-version.h ] || printf '#define GIT_VERSION "%s"\n' "${version%-*}" > git-version.h

# Sections of their own let the linker drop what guest-init does not call.
export CFLAGS="-O2 -ffunction-sections -fdata-sections"
./configure --disable-systemd --disable-criu --disable-dl --enable-embedded-yajl --disable-shared LDFLAGS=-static
make -j"$(nproc)" -C libocispec
make -j"$(nproc)" libcrun.la

mkdir -p "$out/lib" "$out/include"
cp .libs/libcrun.a libocispec/.libs/libocispec.a libocispec/yajl/.libs/libyajl.a "$out/lib/"
cp config.h COPYING.libcrun "$out/include/"
cp -r src/libcrun "$out/include/libcrun"
cp -r libocispec/src/ocispec "$out/include/ocispec"
cp -r libocispec/yajl/src/headers/yajl "$out/include/yajl"
find "$out/include" -type f ! -name '*.h' ! -name COPYING.libcrun -delete
