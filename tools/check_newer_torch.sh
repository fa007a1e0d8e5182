#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests against libtorch 2.x where one can be had: LUCID_TORCH2_PREFIX, a Python torch on this machine, or one from
# the package index in a throw-away environment. Says so where not. Debian's 1.13 is the documented way; this keeps the newer one working.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.13.0
venv=build/torch2-venv
prefix_of() { "$1" -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true; }

prefix=${LUCID_TORCH2_PREFIX:-$(prefix_of python3)}
[ -n "$prefix" ] || [ ! -x $venv/bin/python ] || prefix=$(prefix_of $venv/bin/python)
if [ -z "$prefix" ] && python3 -m venv $venv >/dev/null 2>&1; then
  timeout 600 $venv/bin/pip install -q torch==$version >build/torch2-pip.log 2>&1 || tail -n 1 build/torch2-pip.log
  prefix=$(prefix_of $venv/bin/python)
fi
if [ -z "$prefix" ]; then
  echo "libtorch 2.x: cannot be had here (set LUCID_TORCH2_PREFIX, or pip install torch); skipped, only Debian's 1.13 is tested"
  exit 0
fi
echo "libtorch 2.x: $prefix"
# -O1: what is asked here is whether it compiles and gives the same numbers, and that builds a third faster. GCC 12 takes its own
# AVX-512 header for uninitialised at -O1, so warnings stay warnings; the release build is the one that fails on them.
cmake -G Ninja -S . -B build/torch2 -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DLUCID_WERROR=OFF -DCMAKE_PREFIX_PATH="$prefix" \
  -DLUCID_BENCH=OFF >build/torch2-configure.log 2>&1 ||
  { cat build/torch2-configure.log; exit 1; }
cmake --build build/torch2
ctest --test-dir build/torch2 -j2 --output-on-failure
