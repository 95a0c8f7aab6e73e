#!/bin/bash
# Runs a command in the tests' world (enter.sh) with the tools that are built for it: the world has no network.
# usage: prepared.sh COMMAND [ARGUMENT...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
MICROVM_CONTAINERD_24=$("$here/build.sh" containerd)
MICROVM_NERDCTL=$("$here/build.sh" nerdctl)
MICROVM_DOCKER=$("$here/build.sh" docker)
export MICROVM_CONTAINERD_24 MICROVM_NERDCTL MICROVM_DOCKER
exec "$here/enter.sh" "$@"
