#!/bin/bash
# Installs what a Debian 12 or 13 machine lacks to build, run and test this project.
# Idempotent: what is there already is neither installed again nor changed, and nothing is printed for it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

. /etc/os-release
codename=${VERSION_CODENAME:-unknown}
case "$codename" in
  bookworm | trixie) ;;
  *) die "this is ${PRETTY_NAME:-an unknown system}; Debian 12 (bookworm) or 13 (trixie) is needed" ;;
esac
[ "$(uname -m)" = x86_64 ] || die "this is $(uname -m); x86_64 is needed"

# The mirror that the machine already uses: a further suite never names a host of its own.
mirror() {
  local from_deb822 from_list
  from_deb822=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
    awk '/^URIs:/ {uri=$2} /^Suites:/ && / (bookworm|trixie)( |$)/ {print uri; exit}')
  from_list=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
    awk '$1=="deb" {for (i=2;i<NF;i++) if ($i ~ /^https?:/ && $(i+1) ~ /^(bookworm|trixie)$/) {print $i; exit}}')
  printf '%s' "${from_deb822:-$from_list}"
}

# add_suite FILE TYPES SUITE: one more suite of the machine's own mirror.
add_suite() {
  local file=/etc/apt/sources.list.d/$1 uri
  [ ! -e "$file" ] || return 0
  uri=$(mirror)
  [ -n "$uri" ] || die "no Debian mirror found in /etc/apt/sources.list or sources.list.d; add one"
  say "adding $2 $3 of the machine's mirror in $file"
  printf 'Types: %s\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$2" "$uri" "$3" > "$file"
  updated=
}

updated=
update() {
  [ -z "$updated" ] || return 0
  say "apt-get update"
  apt-get -qq update
  updated=yes
}

as_root() { [ "$(id -u)" = 0 ] || die "missing: $*; run 'make setup' as root"; }

installed() { dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed; }

# need [-t SUITE] PACKAGE...: installs those that are missing.
need() {
  local suite=() missing=() p
  if [ "$1" = -t ]; then suite=(-t "$2"); shift 2; fi
  for p in "$@"; do installed "$p" || missing+=("$p"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  as_root "${missing[*]}"
  update
  say "installing ${missing[*]}${suite[1]:+ from ${suite[1]}}"
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${suite[@]}" "${missing[@]}" > "$log" 2>&1 || { tail -n 30 "$log" >&2; die "apt-get install failed"; }
}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# On Debian 12 QEMU 10 comes from the backports suite; crun's source always from Debian 13,
# for Debian 12's refuses the ociVersion that containerd 2.x writes.
if [ "$codename" = bookworm ]; then
  [ -e /etc/apt/sources.list.d/microvm-backports.sources ] || { as_root "the backports suite"; add_suite microvm-backports.sources deb bookworm-backports; }
fi
[ -e /etc/apt/sources.list.d/microvm-source.sources ] || { as_root "the source suite"; add_suite microvm-source.sources deb-src trixie; }

build_packages=(build-essential bc bison flex libelf-dev cpio xz-utils dpkg-dev pkg-config python3
  autoconf automake libtool libcap-dev libseccomp-dev libprotobuf-c-dev protobuf-c-compiler protobuf-compiler
  libcap-ng-dev linux-libc-dev ca-certificates git)
run_packages=(iproute2 util-linux mount procps containerd runc busybox-static)
test_packages=(containernetworking-plugins iptables)

need "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}"
if [ "$codename" = bookworm ]; then
  need -t bookworm-backports qemu-system-x86 linux-source-6.12
  command -v cargo > /dev/null || need cargo-web
  command -v go > /dev/null || need -t bookworm-backports golang-go
else
  need qemu-system-x86 linux-source-6.12 virtiofsd
  command -v go > /dev/null || need golang-go
fi
command -v clang-format > /dev/null || need clang-format
command -v npm > /dev/null || need npm

# node_modules/.package-lock.json is what npm itself writes at the end of a complete install.
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  say "npm ci"
  npm ci --no-audit --no-fund --loglevel=error
  touch node_modules/.package-lock.json
fi
