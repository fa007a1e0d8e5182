#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the program and the tests that use libtorch with libtorch 2.x, and runs these tests, so that it works besides Debian's
# libtorch 1.13. Rooms without libtorch come from the compiler cache, once `make build CMAKE_FLAGS=-DLUCID_WERROR=ON` has been
# here, because their files are compiled with the same flags. Sources of libtorch, in this order: the folder
# LUCID_TORCH2_PREFIX, the torch of python3, or torch from the package index in a virtual environment. If there is none, it
# prints why and exits with 77 (skipped).
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
    python3 -m venv $venv >build/torch2-pip.log 2>&1 || skip "python3 cannot make a virtual environment"
    timeout 600 $venv/bin/pip install -q torch==$version >>build/torch2-pip.log 2>&1 ||
      skip "pip cannot install it: $(tail -n 1 build/torch2-pip.log)"
  fi
  prefix=$($python -c 'import torch; print(torch.utils.cmake_prefix_path)')  # one that is installed and broken is a failure
fi
echo "libtorch 2.x: $prefix"
cmake -G Ninja -S . -B build/torch2 -DCMAKE_BUILD_TYPE=Release -DLUCID_TORCH_CHECK=ON -DLUCID_WERROR=ON \
  -DCMAKE_PREFIX_PATH="$prefix" -DLUCID_BENCH=OFF >build/torch2-configure.log 2>&1 ||
  { cat build/torch2-configure.log; exit 1; }
found=$(sed -n 's/^Torch_DIR:PATH=//p' build/torch2/CMakeCache.txt)
case "$(realpath "$found")" in
  "$(realpath "$prefix")"/*) ;;
  *) echo "CMake found the libtorch in $found instead"; exit 1 ;;  # it takes Debian's if the prefix has none
esac
cmake --build build/torch2
tools/run_tests.sh build/torch2 -j2
