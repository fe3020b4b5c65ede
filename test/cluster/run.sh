#!/usr/bin/env bash
# Runs the tests of test/cluster against a real kube-apiserver. Arguments go to vitest (`test/cluster/run.sh harness`).
# SERIN_CLUSTER_PROJECT=cluster-scale runs those of test/cluster-scale.
#
# Everything happens inside namespaces of this run alone: network, so that nothing outside is ever reached and addresses
# are free to choose; mounts, so that what is mounted is seen by nobody else; processes, so that whatever still runs goes
# with the first one, also when this script is killed. Memory holds what the run writes.
set -u
cd "$(dirname "$0")/../.." || exit 1
test/cluster/setup.sh || exit 1

work=$(mktemp -d "${TMPDIR:-/tmp}/serin-cluster-XXXXXX") || exit 1
trap 'rmdir "$work"' EXIT
# A signal ends the run, and EXIT then cleans up; `wait` is what a trap can interrupt.
trap 'kill -KILL "$run"; wait "$run" 2>/dev/null; exit 143' INT TERM HUP

# Killed outright, this script takes the run with it too (--pdeathsig).
setpriv --pdeathsig KILL unshare --net --mount --pid --fork --kill-child --mount-proc --propagation private bash -eu -c '
  mount -t tmpfs -o mode=755 tmpfs "$0"
  # ip netns keeps its names in /run; pods see their ServiceAccount below it.
  mount -t tmpfs -o mode=755 tmpfs /run
  mkdir -p /run/netns
  ip link set lo up
  ip link add br0 type bridge
  ip link set br0 up
  ip address add 10.244.0.1/16 dev br0
  ip address add fd00:244::1/64 dev br0 nodad
  # The cluster IPs of Services: their connections end here (support/service-proxy.ts).
  ip route add local 10.96.0.0/16 dev lo
  export SERIN_CLUSTER_WORK="$0" TMPDIR="$0"
  node node_modules/vitest/vitest.mjs run --project "${SERIN_CLUSTER_PROJECT:-cluster}" "$@" --disable-console-intercept
' "$work" "$@" &
run=$!
wait "$run"
