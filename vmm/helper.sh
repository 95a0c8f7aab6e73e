#!/bin/bash
# Builds one of the small programs that run beside a VM.
# usage: vmm/helper.sh SOURCE OUTPUT    SOURCE is a C file, or a directory of them
set -euo pipefail
mkdir -p "$(dirname "$2")"
sources=("$1")
[ ! -d "$1" ] || sources=("$1"/*.c)
cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Os -static -Wl,--gc-sections -s -o "$2.new" "${sources[@]}"
# Replaced, not overwritten: one that runs keeps its file.
mv "$2.new" "$2"
