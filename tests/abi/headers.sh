#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles a header alone, as the first and only thing of a program.
# usage: headers.sh STANDARD FOLDER HEADER COMPILER...
set -eu
standard=$1 folder=$2 header=$3
shift 3
case $standard in
c++*) language=c++ ;;
*) language=c ;;
esac
printf '#include <%s>\nint main(void)\n{\n    return 0;\n}\n' "$header" |
  "$@" -x "$language" -std="$standard" -pedantic -Wall -Wextra -Werror -I"$folder" \
    -fsyntax-only -
