#!/bin/bash
# Builds the containerd that the tests run beside Debian's, from the Go module in tools/containerd, and prints
# the directory with containerd, ctr and containerd-shim-runc-v2. About four minutes once, then from the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../.make/cache.sh"
module=$here/containerd

# The module's go.mod may ask for a newer Go than the distribution's: "auto" fetches it like any other module.
export GOTOOLCHAIN=auto CGO_ENABLED=0 GOFLAGS=

build() {
  local out=$1 package=github.com/containerd/containerd/v2
  local version
  version=$(cd "$module" && go list -m -f '{{.Version}}' "$package")
  (cd "$module" && go build -trimpath -buildvcs=false -mod=readonly \
    -ldflags "-s -w -X $package/version.Version=$version" -o "$out/" \
    "$package/cmd/containerd" "$package/cmd/ctr" "$package/cmd/containerd-shim-runc-v2")
}

command -v go > /dev/null || { echo "go is missing; run 'make setup'" >&2; exit 1; }
cached containerd "$(cache_key "$here/build.sh" "$module/go.mod" "$module/go.sum")" build
