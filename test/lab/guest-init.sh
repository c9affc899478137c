#!/bin/bash
# PID 1 of the lab's guest kernel (`guest.mjs` starts it): shows the host's files as a copy-on-write view in the guest's memory, with the
# writable directories as they are, runs the command in it and leaves its exit status. Started twice: by the kernel, and again inside
# the new root. Every fork costs tens of milliseconds here, so built-ins do what they can.
#
#     guest-init.sh boot RUN        RUN: the run directory; root is the host's, read-only
#     guest-init.sh run             the run directory is /run/lab
#
# The run directory holds, NUL-separated: command, environment, writable; and as one line: cwd, modules. Written here: out, err, begun, status.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

power_off() {
  sync
  echo o > /proc/sysrq-trigger
  sleep 60
}

# To the kernel's console, which the host prints where no status was left.
die() {
  echo "guest: $*" > /dev/console
  power_off
}

boot() {
  local run=$1 root=/mnt/root modules directory device
  modules=$(< "$run/modules")/$(uname -r)
  mount -t proc proc /proc
  grep -qw overlay /proc/filesystems || insmod "$modules/kernel/fs/overlayfs/overlay.ko" || die 'no overlayfs'
  mount -t tmpfs -o mode=755 lab /mnt || die 'no tmpfs on /mnt'
  mkdir /mnt/host /mnt/upper /mnt/work "$root"
  mount -t hostfs host /mnt/host || die 'the host cannot be mounted'
  mount -t overlay -o "lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work" root "$root" || die 'no overlay of /'
  mount -t proc proc "$root/proc"
  mount -t sysfs sys "$root/sys"
  mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
  mount -t devtmpfs dev "$root/dev" || die 'no devtmpfs'
  mkdir -p "$root/dev/pts" "$root/dev/shm" "$root/dev/net"
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 pts "$root/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  [ -e "$root/dev/net/tun" ] || mknod "$root/dev/net/tun" c 10 200
  for device in ptmx:pts/ptmx fd:/proc/self/fd stdin:/proc/self/fd/0 stdout:/proc/self/fd/1 stderr:/proc/self/fd/2; do
    ln -sfn "${device#*:}" "$root/dev/${device%%:*}"
  done
  mount -t tmpfs -o mode=755 run "$root/run"
  mkdir -p "$root/run/lock" "$root/run/netns" "$root/run/lab"
  mount --bind "/mnt/host$run" "$root/run/lab" || die "no run directory $run"
  while IFS= read -r -d '' directory; do
    mkdir -p "$root$directory"
    mount --bind "/mnt/host$directory" "$root$directory" || die "$directory cannot be mounted"
  done < "$run/writable"
  # Other runs of the host are none of the guest's: it would take them for dead and sweep them.
  rm -rf "$root$(< "$run/registry")"
  if [ -d "$modules" ]; then
    mkdir -p "$root/lib/modules"
    ln -sfn "$modules" "$root/lib/modules/"
  fi
  mkdir -p "$root/mnt/old"
  cd "$root" && pivot_root . mnt/old || die 'no pivot_root'
  exec chroot . /run/lab/init run
}

run() {
  local -a command environment
  local status out err
  umount -l /mnt/old
  rmdir /mnt/old
  echo kernel-lab > /proc/sys/kernel/hostname
  ip link set lo up
  cd "$(< /run/lab/cwd)" || die 'no working directory'
  mapfile -d '' -t environment < /run/lab/environment
  mapfile -d '' -t command < /run/lab/command
  # Pipes, not the files themselves: `>/dev/stderr` in the command must not cut off what is there.
  exec 8> >(exec cat >> /run/lab/out)
  out=$!
  exec 9> >(exec cat >> /run/lab/err)
  err=$!
  : > /run/lab/begun
  # In the foreground: a background command of a script has SIGINT ignored.
  setsid --wait env -i "${environment[@]}" "${command[@]}" < /dev/null >&8 2>&9 8>&- 9>&-
  status=$?
  exec 8>&- 9>&-
  # A daemon left behind may hold the pipes, so the end is not waited for without end.
  for _ in {1..40}; do
    kill -0 "$out" 2> /dev/null || kill -0 "$err" 2> /dev/null || break
    sleep 0.05
  done
  sync
  echo "$status" > /run/lab/status.new
  mv /run/lab/status.new /run/lab/status
  power_off
}

"$@"
