#!/bin/bash
# Builds containerd's own tests of its client, of the version that tools/build.sh builds, and prints the directory
# with client.test. One minute once, then from the cache.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../.make/cache.sh"
module=$here/../tools/containerd

export GOTOOLCHAIN=auto CGO_ENABLED=0 GOFLAGS=

# In a copy of the module: the tests import what no program does. Its hash is in go.sum already, and must stay so.
build() (
  out=$1
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  cp "$module/go.mod" "$module/go.sum" "$work"
  cd "$work"
  go test -mod=mod -c -trimpath -o "$out/client.test" github.com/containerd/containerd/v2/integration/client
  diff "$module/go.sum" go.sum
)

command -v go > /dev/null || { echo "go is missing; run 'make setup'" >&2; exit 1; }
cached client-tests "$(cache_key "$here/build.sh" "$module/go.mod" "$module/go.sum")" build
