#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/fuzz.sh [SECONDS] [NAME…]: builds the fuzzers with AddressSanitizer and UndefinedBehaviorSanitizer and runs them one after
# the other, each for SECONDS (default 600), starting from the corpus in tests/fuzz/corpus. Inputs that crash go to build/fuzz/found.
# Debian package: libclang-rt-14-dev.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-600}
shift || true
names=("$@")
[ ${#names[@]} -gt 0 ] || names=(safetensors torch_file configs adapters mesh_files splats)

cmake -G Ninja -S . -B build/fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLUCID_FUZZ=ON -DLUCID_TESTS=OFF -DLUCID_BENCH=OFF -DLUCID_CUDA=OFF \
  -DLUCID_SANITIZE=address,undefined >build/fuzz-configure.log 2>&1 || { cat build/fuzz-configure.log; exit 1; }
cmake --build build/fuzz --target "${names[@]/#/fuzz_}"
mkdir -p build/fuzz/found
# No leak detection, because libtorch never frees its global memory.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
for name in "${names[@]}"; do
  if [ ! -d build/fuzz/corpus/"$name" ]; then  # inputs of earlier runs, reduced to those that add coverage
    mkdir -p build/fuzz/corpus/"$name"
    tar -C build/fuzz/corpus/"$name" -xJf tests/fuzz/corpus/"$name".tar.xz
  fi
  build/fuzz/bin/fuzz_"$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -malloc_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/"$name"- build/fuzz/corpus/"$name" tests/fuzz/corpus/"$name" 2>build/fuzz/"$name".log ||
    { tail -n 40 build/fuzz/"$name".log; exit 1; }
  grep -E "stat::number_of_executed_units|stat::peak_rss_mb" build/fuzz/"$name".log | sed "s/^/$name  /"
done
