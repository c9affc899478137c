#!/bin/bash
# Boots real systemd as PID 1 of a "host": the network namespace NETNS, name spaces of its own for everything else, and a copy-on-write
# view of / under DIR. Only what SEED brings is started: the unit margay-agent.service and what it needs. CHECKOUT appears as
# /opt/margay, wherever it is. Runs in the foreground until its systemd is powered off or this process is killed.
#
#     systemd-host.sh DIR NETNS SEED CHECKOUT
set -eu
export DIR=$1 SEED=$3 CHECKOUT=$4
NETNS=$2
mkdir -p "$DIR"
name=$(basename "$DIR")
# A cgroup of its own in every hierarchy, so that systemd finds one it may rule (version 1; version 2 is one directory).
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p "/sys/fs/cgroup/$name"
  echo $$ > "/sys/fs/cgroup/$name/cgroup.procs"
else
  for hierarchy in /sys/fs/cgroup/*/; do
    [ -e "$hierarchy/cgroup.procs" ] || continue
    mkdir -p "$hierarchy/$name"
    for file in cpuset.cpus cpuset.mems; do
      [ ! -e "$hierarchy/$name/$file" ] || cat "$hierarchy/$file" > "$hierarchy/$name/$file"
    done
    echo $$ > "$hierarchy/$name/cgroup.procs"
  done
fi
exec nsenter --net="/run/netns/$NETNS" unshare --fork --pid --mount --uts --ipc --cgroup --kill-child \
  --propagation private "$(dirname "$0")/systemd-init.sh"
