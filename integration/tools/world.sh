#!/bin/bash
# The first process of the tests' world (see enter.sh): makes its /run and loopback, runs the command, and stays
# in order to reap the processes that daemonise.
# usage: world.sh DIRECTORY COMMAND [ARGUMENT...]
set -euo pipefail
world=$1
shift
cd "$(dirname "$0")/../.."
# Not mounted over /tmp: the repository itself may lie there.
export TMPDIR=$world
mount -t tmpfs -o mode=0755 tmpfs /run
mount -t tmpfs -o mode=0755 tmpfs /var/cache
# Where CNI has its configuration, the addresses that it has given out, and, for ctr, its plugins; our templates.
for directory in /etc/cni /var/lib/cni /opt/cni /var/lib/microvm; do
  mkdir -p "$directory"
  mount -t tmpfs -o mode=0755 tmpfs "$directory"
done
ln -s /usr/lib/cni /opt/cni/bin
ip link set lo up
# The first named network namespace leaves a mount, which is none of a test's.
ip netns add first && ip netns delete first
export MICROVM_WORLD=yes
PATH=$PWD/node_modules/.bin:$PATH
"$@" &
wait "$!"
