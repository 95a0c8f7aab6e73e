#!/bin/bash
# Runs the integration tests in a world of their own (tools/enter.sh).
# usage: integration/run.sh [ARGUMENTS OF vitest run]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
exec "$here/tools/prepared.sh" vitest run --config integration/vitest.config.ts "$@"
