#!/bin/bash
# Builds a client or a daemon that the tests run, from its Go module in tools/NAME, and prints the directory with the
# programs. Minutes once, then from the cache.
# usage: build.sh containerd|nerdctl
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../.make/cache.sh"
name=$1
module=$here/$name
case $name in
  containerd)
    package=github.com/containerd/containerd/v2
    variable=$package/version.Version
    programs=(containerd ctr containerd-shim-runc-v2)
    ;;
  nerdctl)
    package=github.com/containerd/nerdctl
    variable=$package/pkg/version.Version
    programs=(nerdctl)
    ;;
  *) echo "build.sh: no module $name" >&2; exit 1 ;;
esac

# The module's go.mod may ask for a newer Go than the distribution's: "auto" fetches it like any other module.
export GOTOOLCHAIN=auto CGO_ENABLED=0 GOFLAGS=

build() {
  local out=$1 version
  version=$(cd "$module" && go list -m -f '{{.Version}}' "$package")
  (cd "$module" && go build -trimpath -buildvcs=false -mod=readonly -ldflags "-s -w -X $variable=$version" \
    -o "$out/" "${programs[@]/#/$package/cmd/}")
}

command -v go > /dev/null || { echo "go is missing; run 'make setup'" >&2; exit 1; }
cached "$name" "$(cache_key "$here/build.sh" "$module/go.mod" "$module/go.sum")" build
