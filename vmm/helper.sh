#!/bin/bash
# Builds one of the small programs that run beside a VM.
# usage: vmm/helper.sh SOURCE OUTPUT
set -euo pipefail
mkdir -p "$(dirname "$2")"
cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Os -static -Wl,--gc-sections -s -o "$2.new" "$1"
# Replaced, not overwritten: one that runs keeps its file.
mv "$2.new" "$2"
