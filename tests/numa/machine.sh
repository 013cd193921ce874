#!/bin/sh
# SPDX-License-Identifier: MIT
# machine.sh HOSTMEM MACHINE: what `hostmem topology` says of a recorded machine is expected.json, byte
# for byte, and the table names every node.
set -eu
hostmem=$1 machine=$2
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

HOSTMEM_SYSROOT=$machine "$hostmem" topology --json >"$out/json"
diff -u "$machine/expected.json" "$out/json"

HOSTMEM_SYSROOT=$machine "$hostmem" topology >"$out/table"
nodes=$(grep -c '^{"id":[0-9]*,"socket"' "$out/json")
rows=$(sed '/^$/,$d; 1d' "$out/table" | grep -c '^ *[0-9]')
[ "$rows" -eq "$nodes" ] || { echo "$rows rows for $nodes nodes:"; cat "$out/table"; exit 1; }
