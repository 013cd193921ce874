#!/bin/sh
# SPDX-License-Identifier: MIT
# kernel.sh FOLDER: puts Debian's cloud kernel into FOLDER/vmlinux. Its package is downloaded and
# unpacked there, never installed. Done already: nothing. Errors are one line on stderr, status 1.
set -eu
folder=$1
[ ! -s "$folder/vmlinux" ] || exit 0

fail() {
  printf 'kernel.sh: %s\n' "$*" >&2
  exit 1
}

# number FILE OFFSET BYTES: an unsigned number, least significant byte first.
number() {
  od -An -tu"$3" -j"$2" -N"$3" "$1" | tr -d ' '
}

# The compressed kernel inside of a bzImage (Linux x86 boot protocol): setup_sects, payload_offset and
# payload_length. The last four bytes are the size that it unpacks to, which lz4 does not expect.
payload() {
  start=$((($(number "$1" 497 1) + 1) * 512 + $(number "$1" 584 4)))
  length=$(($(number "$1" 588 4) - 4))
  tail -c "+$((start + 1))" "$1" | head -c "$length"
}

# The package that the meta-package stands for now; nothing where apt knows neither.
newest() {
  apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: *//p' | head -n 1
}

download() {
  package=$(newest)
  [ -n "$package" ] && apt-get download -q "$package" >download.log 2>&1
}

command -v lz4 >/dev/null || fail 'missing: lz4 (package lz4)'
command -v apt-get >/dev/null || fail 'missing: apt-get, which downloads the kernel'
mkdir -p "$folder"
cd "$folder"
rm -rf package ./*.deb
if ! download; then # the lists may be missing or old
  apt-get update >update.log 2>&1 || true
  download || fail "cannot download linux-image-cloud-amd64; see update.log and download.log in $folder"
fi
dpkg-deb -x "$package"_*.deb package
image=$(find package/boot -name 'vmlinuz-*' | head -n 1)
[ -n "$image" ] || fail "$package has no kernel"
payload "$image" | lz4 -dc >vmlinux.part || fail "$image is not compressed with lz4"
rm -rf package "$package"_*.deb
mv vmlinux.part vmlinux
