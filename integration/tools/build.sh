#!/bin/bash
# Builds a client or a daemon that the tests run, from its Go module in tools/NAME, and prints the directory with the
# programs. Minutes once, then from the cache.
# usage: build.sh containerd|nerdctl|docker
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../.make/cache.sh"
name=$1
directory=$here/$name
case $name in
  containerd)
    module=github.com/containerd/containerd/v2
    variable=$module/version.Version
    programs=("$module"/cmd/{containerd,ctr,containerd-shim-runc-v2})
    ;;
  nerdctl)
    module=github.com/containerd/nerdctl
    variable=$module/pkg/version.Version
    programs=("$module/cmd/nerdctl")
    ;;
  docker)
    module=github.com/moby/moby/v2
    variable=$module/dockerversion.Version
    programs=("$module"/cmd/{dockerd,docker-proxy} github.com/docker/cli/cmd/docker)
    ;;
  *) echo "build.sh: no module $name" >&2; exit 1 ;;
esac

# The module's go.mod may ask for a newer Go than the distribution's: "auto" fetches it like any other module.
export GOTOOLCHAIN=auto CGO_ENABLED=0 GOFLAGS=

build() {
  local out=$1 version
  version=$(cd "$directory" && go list -m -f '{{.Version}}' "$module")
  (cd "$directory" && go build -trimpath -buildvcs=false -mod=readonly -ldflags "-s -w -X $variable=$version" \
    -o "$out/" "${programs[@]}")
}

command -v go > /dev/null || { echo "go is missing; run 'make setup'" >&2; exit 1; }
mapfile -t inputs < <(find "$directory" -type f | sort)
cached "$name" "$(cache_key "$here/build.sh" "${inputs[@]}")" build
