#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup_debian.sh on machines that are made up: programs that stand in for dpkg-query, apt and cmake say what there is.
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$work:$PATH"
unset LUCID_TORCH2_PREFIX

stand_in() {  # stand_in PROGRAM CODE
  printf '#!/bin/sh\n%s\n' "$2" >"$work/$1"
  chmod +x "$work/$1"
}
installed() { stand_in dpkg-query "for name; do :; done; case ' $* ' in *\" \$name \"*) exit 1 ;; esac; printf 'install ok installed'"; }  # all but these
known() { stand_in apt-cache "shift; for name; do case ' $* ' in *\" \$name \"*) ;; *) printf '%s:\n  Candidate: 1.0\n' \$name ;; esac; done"; }  # all but these
expect() {  # expect CODE TEXT: of setup_debian.sh; one line on standard error, which holds the text
  local code=0
  "$source/tools/setup_debian.sh" >"$work/out" 2>"$work/err" || code=$?
  [ $code -eq "$1" ] || { echo "exit code $code, expected $1: $2"; cat "$work/err"; exit 1; }
  [ -n "$2" ] || return 0
  [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qF -- "$2" "$work/err" || { echo "no single line with '$2':"; cat "$work/err"; exit 1; }
}
stand_in sudo 'exec "$@"'
stand_in apt-get 'echo "$*" >>"$(dirname "$0")/apt"'
stand_in cmake 'echo "cmake version 3.25.1"'

installed
expect 0 ""
[ ! -e "$work/apt" ] || { echo "apt was called although all is there"; exit 1; }

installed libtorch-dev libzip-dev
known
expect 0 ""
grep -q 'install.* libzip-dev libtorch-dev$' "$work/apt" || { echo "apt installs something else:"; cat "$work/apt"; exit 1; }

known libtorch-dev
expect 2 "has no package libtorch-dev: pip install torch, then LUCID_TORCH2_PREFIX="
LUCID_TORCH2_PREFIX=/somewhere expect 0 ""

known libzip-dev
expect 2 "has no package libzip-dev: add the archive that has it"

installed
stand_in cmake 'echo "cmake version 3.22.1"'
expect 2 "CMake 3.22.1 is too old, lucid needs 3.25 or later"
echo "setup_debian: passed"
