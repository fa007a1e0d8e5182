#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Cross-compiles the CPU rasteriser for 64-bit ARM, checks that its four-lane vectors became NEON instructions, and compares it with
# the reference, under emulation on other machines. Debian packages: g++-aarch64-linux-gnu, qemu-user.
set -euo pipefail
cd "$(dirname "$0")/.."

out=build/arm
mkdir -p $out/include
for library in fmt spdlog; do ln -sfn /usr/include/$library $out/include/$library; done  # headers only: the same for any processor
sources=(tests/render_on_arm.cpp src/lucid/render/cpu/*.cpp src/lucid/render/inputs.cpp src/lucid/render/reference/*.cpp
  src/lucid/camera/camera.cpp src/lucid/base/error.cpp src/lucid/base/rng.cpp)
aarch64-linux-gnu-g++ -std=c++20 -O3 -Wall -Wextra -Wno-unknown-pragmas -fopenmp -static -Isrc -I$out/include -DFMT_HEADER_ONLY \
  "${sources[@]}" -o $out/render_on_arm 2>$out/build.log || { cat $out/build.log; exit 1; }
multiply_adds=$(aarch64-linux-gnu-objdump -d $out/render_on_arm | grep -cE 'fml[as]\s+v[0-9]+\.4s')  # none: grep fails, and so does this
echo "vector multiply-adds: $multiply_adds"
if [ "$(uname -m)" = aarch64 ]; then $out/render_on_arm; else qemu-aarch64 $out/render_on_arm; fi
