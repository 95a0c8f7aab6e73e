#!/bin/bash
# Runs the integration tests in a world of their own (tools/enter.sh).
# usage: integration/run.sh [ARGUMENTS OF vitest run]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
MICROVM_CONTAINERD_24=$("$here/tools/build.sh" containerd)
MICROVM_NERDCTL=$("$here/tools/build.sh" nerdctl)
MICROVM_DOCKER=$("$here/tools/build.sh" docker)
export MICROVM_CONTAINERD_24 MICROVM_NERDCTL MICROVM_DOCKER
exec "$here/tools/enter.sh" vitest run --config integration/vitest.config.ts "$@"
