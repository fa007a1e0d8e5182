#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/device_check.sh [OUT]: builds with CUDA, runs the GPU tests and measures every GPU figure of docs/results.md: the
# rasteriser (compared with gsplat), an ISM step with Stable Diffusion's shapes (compared with diffusers), the embedded prior's
# step. A failing part does not stop the others; the exit code is 1 if a part failed. Outputs go to OUT (default output/device).
# Needs nvcc 12 or later and the CUDA libtorch of python3's torch; uses gsplat and diffusers if they are installed. Takes about
# eight minutes on 16 cores, half of them the build.
#   LUCID_PREFIX=DIR  for a machine without Debian's packages: a folder into which those of tools/setup_debian.sh are unpacked
#                     (dpkg -x)
#   LUCID_BUILD=DIR   uses a build made elsewhere, on a machine with nvcc and the same libtorch but without a GPU
#                     (TORCH_CUDA_ARCH_LIST=9.0 cmake -DLUCID_CUDA=ON …)
set -uo pipefail
cd "$(dirname "$0")/.."

out=$(realpath -m "${1:-output/device}")
build=${LUCID_BUILD:-build/device}
mkdir -p "$out" build

options=(-G Ninja -S . -B "$build" -DCMAKE_BUILD_TYPE=Release -DLUCID_CUDA=ON -DLUCID_WERROR=OFF -DLUCID_VIDEO=OFF)
capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader | head -n 1)
options+=("-DCMAKE_CUDA_ARCHITECTURES=${capability/./}")
export TORCH_CUDA_ARCH_LIST=$capability  # gsplat compiles itself for this at its first use
prefixes=$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)')
if [ -n "${LUCID_PREFIX:-}" ]; then
  machine=$(gcc -print-multiarch)
  prefixes="$LUCID_PREFIX/usr;$prefixes"
  export PKG_CONFIG_SYSROOT_DIR=$LUCID_PREFIX
  export PKG_CONFIG_PATH=$LUCID_PREFIX/usr/lib/$machine/pkgconfig:$LUCID_PREFIX/usr/share/pkgconfig
  export LD_LIBRARY_PATH=$LUCID_PREFIX/usr/lib/$machine:$LUCID_PREFIX/lib/$machine:${LD_LIBRARY_PATH:-}
  options+=(-DOPENSSL_ROOT_DIR="$LUCID_PREFIX/usr" -DZLIB_ROOT="$LUCID_PREFIX/usr")
fi
options+=(-DCMAKE_PREFIX_PATH="$prefixes")

failed_parts=()
# part NAME COMMAND…: runs COMMAND with its output in OUT/NAME.txt, and prints the last lines.
part() {
  local name=$1 begin=$SECONDS code=0
  shift
  "$@" >"$out/$name.txt" 2>&1 || code=$?
  echo "== $name: exit code $code, $((SECONDS - begin)) s"
  tail -n "${lines:-12}" "$out/$name.txt"
  [ $code -eq 0 ] || failed_parts+=("$name")
  return $code
}
# with_memory COMMAND…: runs COMMAND and prints the peak memory use of the card, sampled ten times per second, in MB.
with_memory() {
  local code=0 watch
  nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 100 >"$out/memory.txt" &
  watch=$!
  "$@" || code=$?
  kill $watch
  echo "memory of the card: $(sort -n "$out/memory.txt" | tail -n 1) MB"
  return $code
}
has() { python3 -c "import $1" 2>/dev/null; }

nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader | tee "$out/device.txt"
if [ -z "${LUCID_BUILD:-}" ]; then
  part configure cmake "${options[@]}" || exit 1
  part build cmake --build "$build" --target lucid lucid_render_test lucid_diffusion_test lucid_train_test \
    lucid_pretrain_test lucid_pointe_test bench_raster bench_step || exit 1
else  # the build's run paths belong to another machine
  torch=$(python3 -c 'import torch, pathlib; print(pathlib.Path(torch.__file__).parent)')
  export LD_LIBRARY_PATH=$torch/lib:$(printf '%s:' "$torch"/../nvidia/*/lib)${LD_LIBRARY_PATH:-}
fi

bin=$build/bin
part tests_render "$bin/lucid_render_test" --gtest_filter='*on_device*'
part tests_diffusion "$bin/lucid_diffusion_test" --gtest_filter='Gpu*'
part tests_train "$bin/lucid_train_test" --gtest_filter='*Gpu*'
part tests_pretrain "$bin/lucid_pretrain_test" --gtest_filter='*Gpu*'
part tests_pointe "$bin/lucid_pointe_test" --gtest_filter='*Gpu*'
furniture=${LUCID_PREFIX:-}/usr/share/sweethome3d/furniture
if [ -d "$furniture" ]; then
  corpus=build/device-corpus
  part corpus "$bin/lucid" prior corpus --library "$furniture" --out "$corpus" --progress off
  part train_prior "$bin/lucid" prior train --device cuda --batch 256 --unet-steps 1000 --corpus "$corpus" --out "$out/prior" --progress plain
  part train_judge "$bin/lucid" prior judge --device cuda --steps 1000 --corpus "$corpus" --out "$out/judge" --progress plain
else
  echo "== train_prior: $furniture is not there (Debian's sweethome3d-furniture)"
fi
lines=40 part raster "$bin/bench_raster" --device cuda --json
if has gsplat; then
  lines=40 part gsplat python3 tools/bench_gsplat.py --bench "$bin/bench_raster"
else
  echo "== gsplat: not installed"
fi

sd=build/device-sd
[ -e "$sd/unet" ] || part sd_weights python3 tests/make_sd_checkpoint.py "$sd" --version 2
part step_sd with_memory "$bin/bench_step" --device cuda --prior "$sd" --config tools/bench_ism.yaml --json
part step_sd_low_memory with_memory "$bin/bench_step" --device cuda --prior "$sd" --config tools/bench_ism.yaml --low-memory --json
if has diffusers; then
  part step_diffusers python3 tools/bench_ism_diffusers.py
else
  echo "== diffusers: not installed"
fi
part step_mini "$bin/bench_step" --device cuda --json
part generate "$bin/lucid" generate --device cuda --output "$out/assets" --preset default "a hamburger"
command -v compute-sanitizer >/dev/null &&
  part racecheck timeout 120 compute-sanitizer --tool racecheck "$bin/lucid_render_test" --gtest_filter='*CudaHostile*on_device*'
command -v compute-sanitizer >/dev/null &&
  part racecheck_norms timeout 60 compute-sanitizer --tool racecheck "$bin/lucid_diffusion_test" --gtest_filter='Gpu.Resnet*'
command -v compute-sanitizer >/dev/null &&
  part memcheck timeout 120 compute-sanitizer --tool memcheck "$bin/lucid_render_test" --gtest_filter='*on_device*'
if [ ${#failed_parts[@]} -gt 0 ]; then
  echo "failed: ${failed_parts[*]}"
  exit 1
fi
