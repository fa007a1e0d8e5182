#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds and tests against libtorch 2.x where one can be had (LUCID_TORCH2_PREFIX, or a Python torch on this machine), and
# says so where not. Debian's 1.13 is the documented way; this keeps the newer one working.
set -euo pipefail
cd "$(dirname "$0")/.."

prefix=${LUCID_TORCH2_PREFIX:-$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)' 2>/dev/null || true)}
if [ -z "$prefix" ]; then
  echo "libtorch 2.x: not on this machine (set LUCID_TORCH2_PREFIX or pip install torch); skipped, only Debian's 1.13 is tested"
  exit 0
fi
echo "libtorch 2.x: $prefix"
cmake -G Ninja -S . -B build/torch2 -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" -DLUCID_BENCH=OFF >/dev/null
cmake --build build/torch2
ctest --test-dir build/torch2 -j2 --output-on-failure
