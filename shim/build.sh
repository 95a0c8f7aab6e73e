#!/bin/bash
# Bundles the shim and makes it one executable file with Node inside.
# usage: shim/build.sh OUTPUT
set -euo pipefail
cd "$(dirname "$0")/.."
output=$1
work=build/shim
mkdir -p "$work"
# The source stays in the memory of each process, twice; names are kept for whoever reads a stack.
node_modules/.bin/esbuild shim/main.ts --bundle --minify-whitespace --minify-syntax --platform=node --target=node26 --format=cjs \
  --alias:long=./proto/no-long.ts --define:import.meta.dirname=undefined --log-level=warning --outfile="$work/main.cjs"
cat > "$work/sea.json" <<JSON
{
  "main": "$work/main.cjs",
  "output": "$work/shim",
  "disableExperimentalSEAWarning": true,
  "useCodeCache": true,
  "execArgvExtension": "none"
}
JSON
node_modules/node/bin/node --build-sea "$work/sea.json" > "$work/sea.log" 2>&1 || { cat "$work/sea.log" >&2; exit 1; }
chmod 0755 "$work/shim"
# Replaced, not overwritten: one that runs keeps its file.
mv "$work/shim" "$output"
