#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs a program without any HOSTMEM_ variable and lets it print nothing.
# usage: quiet.sh PROGRAM
set -eu
for name in $(env | sed -n 's/^\(HOSTMEM_[A-Z_]*\)=.*/\1/p'); do
  unset "$name"
done
status=0
got=$("$1" 2>&1) || status=$?
[ "$status" = 0 ] || { echo "exit status $status: $got"; exit 1; }
[ -z "$got" ] || { echo "it printed: $got"; exit 1; }
