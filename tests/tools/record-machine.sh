#!/bin/sh
# SPDX-License-Identifier: MIT
# record-machine.sh SOURCE HOSTMEM LIMITS: a recording shows the same machine as what was recorded, for
# this machine, each recorded one, and one that is full of names; and none of those names is in it.
set -eu
source=$1 hostmem=$2 limits=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "FAILED: $*"
  exit 1
}

record() {
  rm -rf "$work/recorded"
  "$source/tools/record-machine" "$@" "$work/recorded" >/dev/null || fail "record-machine $*"
}

topology() {
  HOSTMEM_SYSROOT=$1 "$hostmem" topology --json
}

# Nothing but the files that the reader knows, of digits, lists and the kernel's own words.
check_files() {
  (cd "$work/recorded" && find . -type f) | sort >"$work/files"
  node='sys/devices/system/node' cpu='sys/devices/system/cpu'
  huge='hugepages/hugepages-[0-9]*kB/\(nr\|free\)_hugepages'
  own='^\./\(\(sys\|fs\|cgroup\|unified\|memory\|hugetlb\|cpu\|cpuset\|systemd\|cg[0-9]*\)/\)*'
  figures='\(max\|current\|limit_in_bytes\|usage_in_bytes\)'
  if grep -v -e "^\./\($node\|$cpu\)/online\$" \
    -e "^\./$node/node[0-9]*/\(cpulist\|distance\|meminfo\|$huge\)\$" \
    -e "^\./$cpu/cpu[0-9]*/topology/physical_package_id\$" -e "^\./sys/kernel/mm/$huge\$" \
    -e '^\./sys/kernel/mm/transparent_hugepage/enabled$' -e '^\./proc/meminfo$' \
    -e '^\./proc/self/\(cgroup\|mountinfo\)$' -e "${own}cgroup\.procs\$" \
    -e "${own}hugetlb\.[0-9]*[KMG]B\.\(rsvd\.\)\?$figures\$" -e "${own}memory\.\(memsw\.\)\?$figures\$" \
    -e "${own}memory\.\(high\|stat\|events\|events\.local\)\$" "$work/files"; then
    fail 'files that nobody reads'
  fi
  find "$work/recorded" -name cgroup.procs -size +0 | grep . && fail 'process ids'
  find "$work/recorded" -type l -exec readlink {} + | grep -v '^\.\./\.\./cpu/cpu[0-9]*$' &&
    fail 'links'
  return 0
}

# check_absent WORD: no file holds it; check_files has looked at the names. A machine may have a name
# that is part of a word of the kernel's, so whole words are looked for.
check_absent() {
  if [ -n "$1" ] && grep -rwF -e "$1" "$work/recorded"; then fail "a file holds '$1'"; fi
}

check_recorded_machines() {
  for machine in "$source"/tests/data/sysfs/*; do
    record -r "$machine"
    topology "$work/recorded" | diff -u "$machine/expected.json" - || fail "$machine"
    check_files
  done
}

check_recorded_processes() {
  for process in "$source"/tests/data/cgroup/*; do
    record -r "$process"
    "$limits" "$process" >"$work/expected"
    "$limits" "$work/recorded" | diff -u "$work/expected" - || fail "$process"
    check_files
  done
}

# A process of somebody, on a machine whose files name them.
check_names() {
  secret=$work/secret own=sys/fs/cgroup/alice.slice/db-serial4711.scope
  mkdir -p "$secret/proc/self" "$secret/$own" "$secret/sys/class/dmi/id" \
    "$secret/sys/devices/system/node/node0" "$secret/sys/devices/system/cpu/cpu0"
  echo '0::/alice.slice/db-serial4711.scope' >"$secret/proc/self/cgroup"
  printf '%s\n' '22 1 8:1 / / rw - ext4 /dev/disk/by-id/serial4711 rw' \
    '23 1 0:9 / /home/alice rw - nfs4 hostbob:/home/alice rw,addr=00:16:3e:aa' \
    '30 22 0:30 / /sys/fs/cgroup rw shared:4711 - cgroup2 hostbob rw,nsdelegate,alice' \
    >"$secret/proc/self/mountinfo"
  echo 4711 >"$secret/$own/cgroup.procs"
  echo 1048576 >"$secret/$own/memory.max"
  echo 4096 >"$secret/$own/memory.current"
  for file in "$own/memory.pressure" "$own/alice" sys/class/dmi/id/product_serial \
    sys/devices/system/node/node0/alice sys/devices/system/cpu/cpu0/serial4711 proc/cmdline; do
    echo 'alice hostbob serial4711 00:16:3e:aa' >"$secret/$file"
  done
  record -r "$secret"
  "$limits" "$secret" >"$work/expected"
  grep -q '^memory: 4096 of 1048576' "$work/expected" || fail 'the limit of the made-up process'
  "$limits" "$work/recorded" | diff -u "$work/expected" - || fail 'limits under other names'
  check_files
  if grep -ri -e alice -e hostbob -e 4711 -e 00:16:3e "$work/recorded"; then fail 'names'; fi
}

# Huge pages may be reserved while we look: then once more.
check_this_machine() {
  for attempt in 1 2 3 4 5 6 7 8 9 10; do
    topology / >"$work/before"
    record
    topology / >"$work/after"
    topology "$work/recorded" >"$work/replayed"
    cmp -s "$work/before" "$work/after" && break
    echo "attempt $attempt: the machine changed"
  done
  diff -u "$work/after" "$work/replayed" || fail 'this machine'
  check_files
  check_absent "$(uname -n)"
  for file in /etc/machine-id /sys/class/net/*/address /sys/class/dmi/id/*serial* \
    /sys/class/dmi/id/*uuid /proc/sys/kernel/random/boot_id; do
    if [ -r "$file" ]; then check_absent "$(cat "$file")"; fi
  done
  if "$source/tools/record-machine" "$work/recorded" 2>/dev/null; then
    fail 'it wrote into a directory that is not empty'
  fi
}

check_names
check_recorded_processes
check_recorded_machines
check_this_machine
