#!/bin/busybox sh
# SPDX-License-Identifier: MIT
# shellcheck shell=dash
# The first process of the guest: mounts, reserves huge pages on each node, runs what /guest/tests
# names, says how each ended, and leaves through the debug-exit device. The runner believes it only
# if the last line is there. Results go to the first serial port, kernel messages to the second.
export PATH=/bin
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /tmp /run
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mkdir -p /dev/shm
mount -t tmpfs tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t debugfs debugfs /sys/kernel/debug
stty -F /dev/ttyS0 raw -echo
exec </dev/null >/dev/ttyS0 2>&1

nodes=/sys/devices/system/node

# leave STATUS: the emulator exits with 2 * STATUS + 1.
leave() {
  /guest/leave "$1"
  poweroff -f
}

# /guest/huge has lines "NODE PAGES SIZE-IN-KB"; the kernel gives fewer without an error.
reserve() {
  while read -r node pages size; do
    file=$nodes/node$node/hugepages/hugepages-${size}kB/nr_hugepages
    [ "$(cat "$file")" = "$pages" ] || echo "$pages" >"$file"
    got=$(cat "$file")
    [ "$got" = "$pages" ] || echo "guest: node $node has $got huge pages instead of $pages"
  done </guest/huge
}

# shellcheck source=/dev/null
. /guest/environment
if [ -f /guest/shell ]; then
  reserve
  stty -F /dev/ttyS0 sane
  setsid -c sh </dev/ttyS0 >/dev/ttyS0 2>&1
  leave 0
fi
count=0
while read -r name seconds command; do
  reserve
  echo "guest: begin $name"
  begun=$(date +%s)
  timeout -s KILL "$seconds" sh -c "$command" </dev/null
  echo "guest: end $name $? after $(($(date +%s) - begun)) s"
  count=$((count + 1))
done </guest/tests
echo "guest: done, $count ran"
leave 0
