#!/bin/bash
# Runs a command in a world of its own: new pid, mount and network namespaces with an empty /run and a temporary
# directory of their own. What the command sees there is only what it started, so a comparison of before and after is
# exact, nothing outside is touched, and when it ends, however it ends, the kernel ends all of its processes.
# usage: enter.sh COMMAND [ARGUMENT...]
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ "$(id -u)" = 0 ] || { echo "integration tests need root (namespaces, mounts, containerd)" >&2; exit 1; }

# Short, for the path of a unix socket has at most 107 bytes.
world=$(mktemp -d /tmp/mvt.XXXXXX)
trap 'rm -rf --one-file-system "$world"' EXIT
unshare --mount --pid --net --fork --kill-child --mount-proc "$here/world.sh" "$world" "$@" &
outside=$!

# unshare waits for its child, whatever it is sent. The child is process 1 of the world: when it has ended, all have,
# and only then is the directory removed.
trap 'kill -KILL $(pgrep -P "$outside") 2> /dev/null || true' TERM INT HUP
status=0
while kill -0 "$outside" 2> /dev/null; do
  status=0
  wait "$outside" || status=$?
done
exit "$status"
