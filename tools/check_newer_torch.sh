#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests against libtorch 2.x where one can be had: LUCID_TORCH2_PREFIX, a Python torch on this machine, or one from
# the package index in a throw-away environment. Where none can be had it says why and exits 77: skipped. Debian's 1.13 is the
# documented way; this keeps the newer one working.
set -euo pipefail
cd "$(dirname "$0")/.."

version=2.13.0
venv=build/torch2-venv
mkdir -p build
skip() {
  echo "skipped  tests with libtorch 2.x: $1 (set LUCID_TORCH2_PREFIX, or pip install torch)"
  exit 77
}
has_torch() { "$1" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null; }

if [ -n "${LUCID_TORCH2_PREFIX:-}" ]; then
  prefix=$LUCID_TORCH2_PREFIX
else
  python=$venv/bin/python
  if has_torch python3; then
    python=python3
  elif ! has_torch $python; then
    python3 -m venv $venv >build/torch2-pip.log 2>&1 || skip "python3 makes no virtual environment"
    timeout 600 $venv/bin/pip install -q torch==$version >>build/torch2-pip.log 2>&1 ||
      skip "pip cannot install it: $(tail -n 1 build/torch2-pip.log)"
  fi
  prefix=$($python -c 'import torch; print(torch.utils.cmake_prefix_path)')  # one that is installed and broken is a failure
fi
echo "libtorch 2.x: $prefix"
# -O1: what is asked here is whether it compiles and gives the same numbers, and that builds a third faster. GCC 12 takes its own
# AVX-512 header for uninitialised at -O1, so warnings stay warnings; the release build is the one that fails on them.
cmake -G Ninja -S . -B build/torch2 -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE="-O1 -DNDEBUG" -DLUCID_WERROR=OFF \
  -DCMAKE_PREFIX_PATH="$prefix" -DLUCID_BENCH=OFF >build/torch2-configure.log 2>&1 ||
  { cat build/torch2-configure.log; exit 1; }
found=$(sed -n 's/^Torch_DIR:PATH=//p' build/torch2/CMakeCache.txt)
case "$(realpath "$found")" in
  "$(realpath "$prefix")"/*) ;;
  *) echo "libtorch of $found was found instead"; exit 1 ;;  # CMake takes Debian's where the prefix holds none
esac
cmake --build build/torch2
tools/run_tests.sh build/torch2 -j2
