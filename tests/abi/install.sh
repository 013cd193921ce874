#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs into a folder of the build, then builds and runs programs against what is installed, with
# the flags of pkg-config and nothing else. The README's C example is one of the programs.
# usage: install.sh KIND BUILD SOURCE LIBDIR VERSION SOVERSION COMPILER...
#   KIND: c or c++, with -shared or -static (c-shared ...), or readme
set -eu
kind=$1 build=$2 source=$3 libdir=$4 version=$5 soversion=$6
shift 6

work=$build/tests/abi/install-$kind
rm -rf "$work"
mkdir -p "$work"
meson install -C "$build" --no-rebuild --quiet --destdir "$work/root" >"$work/log" 2>&1 || {
  cat "$work/log"
  exit 1
}
export PKG_CONFIG_SYSROOT_DIR="$work/root"
export PKG_CONFIG_PATH="$work/root$libdir/pkgconfig"

have=$(pkg-config --modversion hostmem)
[ "$have" = "$version" ] || { echo "pkg-config says $have, not $version"; exit 1; }
for file in "libhostmem.so" "libhostmem.so.$soversion" "libhostmem.so.$version" libhostmem.a; do
  [ -f "$work/root$libdir/$file" ] || { echo "$file: not installed"; exit 1; }
done
soname=$(objdump -p "$work/root$libdir/libhostmem.so" | sed -n 's/^ *SONAME *//p')
[ "$soname" = "libhostmem.so.$soversion" ] || { echo "SONAME is $soname"; exit 1; }

case $kind in
c-*) program=$source/tests/abi/use.c standard=c11 ;;
c++-*) program=$source/tests/abi/use.cpp standard=c++17 ;;
readme)
  program=$work/readme.c standard=c11
  awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$source/README.md" >"$program"
  ;;
esac

# What pkg-config prints is meant to be split into words.
# shellcheck disable=SC2046
case $kind in
*-static)
  "$@" -std="$standard" -Wall -Wextra -Werror $(pkg-config --cflags hostmem) "$program" \
    -o "$work/program" -static $(pkg-config --static --libs hostmem) 2>"$work/log" || {
    cat "$work/log"
    exit 1
  }
  if readelf -d "$work/program" | grep -q hostmem; then
    echo "the static program wants the shared library"
    exit 1
  fi
  ;;
*)
  "$@" -std="$standard" -Wall -Wextra -Werror $(pkg-config --cflags hostmem) "$program" \
    -o "$work/program" $(pkg-config --libs hostmem)
  readelf -d "$work/program" | grep -q "NEEDED.*libhostmem.so.$soversion" || {
    echo "the program does not want libhostmem.so.$soversion"
    exit 1
  }
  export LD_LIBRARY_PATH="$work/root$libdir"
  ;;
esac

if [ "$kind" = readme ]; then
  "$work/program"
  exit
fi
got=$("$work/program")
[ "$got" = "fresh 0, written 42, committed 1048576, version $version" ] || {
  echo "the program printed: $got"
  exit 1
}
