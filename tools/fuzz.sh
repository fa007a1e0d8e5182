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
[ ${#names[@]} -gt 0 ] || names=(pickle zip_entries safetensors torch_file tokenizer yaml http rows mesh_files splats body configs
  single_file adapters)

cmake -G Ninja -S . -B build/fuzz -DCMAKE_BUILD_TYPE=RelWithDebInfo -DLUCID_FUZZ=ON -DLUCID_TESTS=OFF -DLUCID_BENCH=OFF -DLUCID_CUDA=OFF \
  -DLUCID_SANITIZE=address,undefined >build/fuzz-configure.log 2>&1 || { cat build/fuzz-configure.log; exit 1; }
cmake --build build/fuzz --target "${names[@]/#/fuzz_}"
mkdir -p build/fuzz/found
# No leak detection, because libtorch never frees its global memory.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
total=0
for name in "${names[@]}"; do
  if [ ! -d build/fuzz/corpus/"$name" ]; then  # inputs of earlier runs, reduced to those that add coverage
    mkdir -p build/fuzz/corpus/"$name"
    [ ! -e tests/fuzz/corpus/"$name".tar.xz ] || tar -C build/fuzz/corpus/"$name" -xJf tests/fuzz/corpus/"$name".tar.xz
  fi
  for hex in tests/fuzz/corpus/"$name"/*.hex; do  # small binary inputs are committed as hexadecimal digits
    [ ! -e "$hex" ] || perl -0777 -ne 's/\s//g; print pack "H*", $_' "$hex" >build/fuzz/corpus/"$name"/"$(basename "$hex" .hex)"
  done
  build/fuzz/bin/fuzz_"$name" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -malloc_limit_mb=1024 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix=build/fuzz/found/"$name"- build/fuzz/corpus/"$name" tests/fuzz/corpus/"$name" 2>build/fuzz/"$name".log ||
    { tail -n 40 build/fuzz/"$name".log; exit 1; }
  executed=$(sed -n 's/^stat::number_of_executed_units: *//p' build/fuzz/"$name".log)
  memory=$(sed -n 's/^stat::peak_rss_mb: *//p' build/fuzz/"$name".log)
  printf '%-12s %12d executions, at most %d MB\n' "$name" "$executed" "$memory"
  total=$((total + executed))
done
printf '%-12s %12d executions\n' total "$total"
