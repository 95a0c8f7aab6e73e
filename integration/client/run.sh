#!/bin/bash
# Runs containerd's own tests of its client with both runtimes, in a world of their own (tools/enter.sh).
# usage: integration/client/run.sh [TEST...], by default all of tests.ts
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
MICROVM_CONTAINERD_24=$("$here/../tools/build.sh" containerd)
MICROVM_CLIENT_TESTS=$("$here/build.sh")
export MICROVM_CONTAINERD_24 MICROVM_CLIENT_TESTS
exec "$here/../tools/enter.sh" node integration/client/main.ts "$@"
