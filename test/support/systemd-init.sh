#!/bin/bash
# PID 1 of a host that systemd-host.sh makes: builds its root and becomes systemd.
set -eu
root=$DIR/root
mount -t tmpfs tmpfs "$DIR"
mkdir -p "$DIR/upper" "$DIR/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$DIR/upper,workdir=$DIR/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs sysfs "$root/sys"
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
else
  mount -t tmpfs -o mode=755 tmpfs "$root/sys/fs/cgroup"
  for hierarchy in cpu cpuacct cpuset memory devices freezer blkio pids; do
    mkdir "$root/sys/fs/cgroup/$hierarchy"
    mount -t cgroup -o "$hierarchy" cgroup "$root/sys/fs/cgroup/$hierarchy" || rmdir "$root/sys/fs/cgroup/$hierarchy"
  done
  mkdir "$root/sys/fs/cgroup/systemd" "$root/sys/fs/cgroup/unified"
  mount -t cgroup -o none,name=systemd cgroup "$root/sys/fs/cgroup/systemd"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup/unified" || true
fi
mount -t tmpfs -o mode=755 tmpfs "$root/run"
# systemd empties these at boot: with all that lies about in this machine's that takes half a minute.
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=1777 tmpfs "$root/var/tmp"
mkdir -p "$root/run/seed"
units=$root/etc/systemd/system
printf '[Unit]\nDescription=A host with an agent\nRequires=basic.target margay-agent.service\nAfter=basic.target\nAllowIsolate=yes\n' > "$units/margay-test.target"
# There is no such hardware here, or it is not ours to touch.
for unit in systemd-udevd.service systemd-udev-trigger.service systemd-udevd-control.socket systemd-udevd-kernel.socket \
  systemd-remount-fs.service systemd-sysctl.service systemd-modules-load.service kmod-static-nodes.service \
  systemd-tmpfiles-setup-dev.service systemd-random-seed.service systemd-pstore.service systemd-binfmt.service \
  proc-sys-fs-binfmt_misc.automount systemd-journald-audit.socket; do
  ln -sf /dev/null "$units/$unit"
done
cp -a "$SEED/." "$root/"
mkdir -p "$root/opt/margay"
mount --bind "$CHECKOUT" "$root/opt/margay"
cd "$root"
mkdir -p old-root
pivot_root . old-root
umount -l /old-root
rmdir /old-root || true
export container=margay-test
exec /lib/systemd/systemd --system --unit=margay-test.target --log-target=console --show-status=no
