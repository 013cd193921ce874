#!/bin/sh
# SPDX-License-Identifier: MIT
# command.sh HOSTMEM: exit status and error line of the command, whatever is wrong with the call.
set -u
hostmem=$1
errors=$(mktemp)
trap 'rm -f "$errors"' EXIT
failed=0
exec 3>&1 # for messages, while the command's stdout is elsewhere

# expect STATUS LINES-ON-STDERR COMMAND...
expect()
{
    status=$1 lines=$2
    shift 2
    "$@" 2>"$errors"
    got=$?
    if [ "$got" -ne "$status" ] || [ "$(wc -l <"$errors")" -ne "$lines" ]; then
        echo "$*: status $got instead of $status, and on stderr:" >&3
        cat "$errors" >&3
        failed=1
    fi
}

expect 0 0 "$hostmem" --help >/dev/null
expect 0 0 "$hostmem" topology --help >/dev/null
expect 0 0 "$hostmem" topology >/dev/null
expect 0 0 env HOSTMEM_SYSROOT= "$hostmem" topology --json >/dev/null
expect 2 1 "$hostmem"
expect 2 1 "$hostmem" topologie
expect 2 1 "$hostmem" topology --yaml
expect 2 1 "$hostmem" topology --json --json
expect 1 1 env HOSTMEM_SYSROOT=/nowhere/at/all "$hostmem" topology
expect 1 1 env HOSTMEM_SYSROOT="$errors" "$hostmem" topology
for arguments in --help --version 'topology --help' topology 'topology --json'; do
    # shellcheck disable=SC2086 # words
    expect 1 1 "$hostmem" $arguments >/dev/full
    # shellcheck disable=SC2086
    expect 1 1 "$hostmem" $arguments >&-
done
"$hostmem" topologie 2>&1 | grep -q "topologie" || { echo "the error does not name the command"; failed=1; }
"$hostmem" --version | grep -qx 'hostmem [0-9]*\.[0-9]*\.[0-9]*' || { echo "no version"; failed=1; }
exit $failed
