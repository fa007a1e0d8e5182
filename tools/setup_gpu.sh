#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup_gpu.sh [--card|--release]: all that a build for NVIDIA cards needs besides the driver, and build/cuda/settings.cmake,
# which tells CMake where it is. libtorch and the CUDA compiler are those of this machine if they fit together, or else wheels
# (tools/gpu-requirements.txt) in build/cuda. Compiles for the cards that are there, or for all where there are none.
#   --card     only checks that there is a card that can be used: one line and exit code 2 if not
#   --release  the wheels and all cards, whatever this machine has
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-}
requirements=tools/gpu-requirements.txt
folder=build/cuda
release_capabilities="80 86 89 90 120"
least_capability=80  # src/lucid/render/cuda/rasterizer.cu says why
build_mb=2500

say() { echo "gpu: $*"; }
refuse() { say "$*" >&2; exit 2; }

# least_driver CUDA_MAJOR: the first driver series that runs it.
least_driver() {
  case $1 in
    12) echo 525 ;;
    13) echo 580 ;;
    *) echo 0 ;;
  esac
}

# The major version of CUDA that the libtorch in a folder was built for; nothing for a CPU's.
cuda_of_torch() { grep -aoE -m 1 'libcudart\.so\.[0-9]+' "$1/lib/libc10_cuda.so" 2>/dev/null | sed -n '1s/.*\.//p'; }

# Sets torch, nvcc, top and cuda to this machine's own libtorch and CUDA toolkit if both are there and fit. `own` says why they do not.
find_own() {
  torch=${LUCID_TORCH2_PREFIX:-$(python3 -c 'import importlib.util; print(importlib.util.find_spec("torch").submodule_search_locations[0])' 2>/dev/null || true)}
  torch=${torch%/share/cmake*}
  nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null || true)
  own="no libtorch of its own"
  [ -n "$torch" ] || return 1
  cuda=$(cuda_of_torch "$torch")
  own="$torch is a libtorch without CUDA"
  [ -n "$cuda" ] || return 1
  own="$torch is for CUDA $cuda, and there is no nvcc"
  [ -n "$nvcc" ] || return 1
  local version
  version=$("$nvcc" --version | sed -n 's/.*release \([0-9.]*\),.*/\1/p')
  own="$torch is for CUDA $cuda, $nvcc is $version"
  [ "${version%%.*}" = "$cuda" ] && [ "$cuda" -ge 12 ] || return 1
  top=$("$nvcc" --dryrun -x cu -c /dev/null -o /dev/null 2>&1 | sed -n 's/^#\$ TOP=//p')
  top=$(realpath "$top")
  nvcc=$top/bin/nvcc
  own="$top has the compiler but not CUDA's libraries (cublas_v2.h)"
  [ -n "$(ls "$top"/include/cublas_v2.h "$top"/targets/*/include/cublas_v2.h /usr/include/cublas_v2.h 2>/dev/null || true)" ] || return 1
  own="$nvcc does not know this machine's cards"
  local capability
  for capability in $card_capabilities; do
    "$nvcc" --list-gpu-code | grep -qx "sm_$capability" || return 1
  done
}

# ---- the machine
card_lines=$(nvidia-smi --query-gpu=name,compute_cap,memory.total,driver_version --format=csv,noheader,nounits 2>/dev/null) || card_lines=""
driver=$(sed -n '1s/.*, //p' <<<"$card_lines")
[ -n "$driver" ] || driver=$(grep -oE -m 1 '\b[0-9]{3}\.[0-9.]+' /proc/driver/nvidia/version 2>/dev/null || true)

card_capabilities="" memory_of_cards=0
while IFS=, read -r name capability memory _; do
  [ -n "$name" ] || continue
  memory=${memory//[^0-9]/} memory=${memory:-0}  # some cards have no memory of their own
  say "card: $name, compute capability${capability}, $(awk "BEGIN {printf \"%.1f\", $memory * 1.048576e-3}") GB, driver $driver"
  capability=$(tr -d ' .' <<<"$capability")
  if [ "$capability" -lt $least_capability ]; then
    say "  it is too old for lucid, which needs compute capability 8.0 (RTX 30 series, A100, or later)"
    continue
  fi
  card_capabilities=$(printf '%s\n' $card_capabilities "$capability" | sort -nu | tr '\n' ' ')
  [ "$memory" -le "$memory_of_cards" ] || memory_of_cards=$memory
done <<<"$card_lines"
[ -z "$card_lines" ] || [ -n "$card_capabilities" ] || [ "$mode" = --release ] || refuse "no card of this machine can be used: build for the CPU with \`make build\`"
if [ "$memory_of_cards" -gt 0 ] && [ "$memory_of_cards" -lt 10000 ]; then
  say "the card has less than the 10 GB that Stable Diffusion takes by default: --low-memory and --batch-size 1 take less"
fi

# ---- libtorch and nvcc
if [ "$mode" != --release ] && find_own; then
  say "uses this machine's own: $torch and CUDA $cuda in $top"
else
  [ "$(uname -m)" = x86_64 ] || [ "$mode" = --card ] || refuse "the wheels are for x86_64: on $(uname -m) install a CUDA toolkit and a torch of the same CUDA (${own:-})"
  [ "$mode" = --release ] || [ "$own" = "no libtorch of its own" ] || say "uses wheels: $own"
  cuda=$(sed -n 's/^# torch .*, CUDA \([0-9]*\).*/\1/p' $requirements)
  torch=$PWD/$folder/torch top=$PWD/$folder/nvidia/cu$cuda
  nvcc=$top/bin/nvcc
  own=""
fi

wanted=$(least_driver "$cuda")
if [ -z "$driver" ]; then
  what="no NVIDIA driver: a card needs driver $wanted or later"
  [ "$mode" != --card ] || refuse "$what (docs/guide/gpu.md)"
  [ "$mode" = --release ] || say "$what; builds for every card all the same"
elif [ "${driver%%.*}" -lt "$wanted" ] && [ "$mode" != --release ]; then
  refuse "driver $driver is too old for CUDA $cuda: install driver $wanted or later (docs/guide/gpu.md#an-older-driver)"
elif [ -z "$card_capabilities" ] && [ "$mode" != --release ]; then
  what="driver $driver, but nvidia-smi lists no card"
  [ "$mode" != --card ] || refuse "$what: is nvidia-smi installed?"
  say "$what; builds for every card"
fi
[ "$mode" != --card ] || exit 0

# ---- wheels and packages
if [ -z "$own" ]; then
  python3 -m pip --version >/dev/null 2>&1 || tools/install_missing.sh python3-pip
  mkdir -p build
  [ -e build/gpu/bin/lucid ] && build_mb=0
  tools/fetch_wheels.sh $requirements $folder $build_mb
  # What an installed toolkit has and zip files lack: programs that may run, lib64, and names without versions for the linker.
  find "$top/bin" "$top/nvvm/bin" -type f -exec chmod +x {} +
  ln -sfn lib "$top/lib64"
  for library in "$top"/lib/lib*.so.*; do
    ln -sfn "$(basename "$library")" "${library%%.so.*}.so"
  done
fi
tools/setup_debian.sh

# ---- settings
capabilities=$card_capabilities
[ -n "$capabilities" ] && [ "$mode" != --release ] || capabilities=$release_capabilities
known=$("$nvcc" --list-gpu-code)
capabilities=$(for each in $capabilities; do if grep -qx "sm_$each" <<<"$known"; then echo "$each"; fi; done | paste -sd ';')
mkdir -p "$folder"
{
  echo "# Written by tools/setup_gpu.sh, read by \`cmake -C\`."
  echo "set(LUCID_CUDA ON CACHE STRING \"\" FORCE)"
  echo "set(LUCID_SHARED_CUDART $([ "$mode" = --release ] && echo ON || echo OFF) CACHE BOOL \"\" FORCE)"
  echo "set(CMAKE_CUDA_ARCHITECTURES \"$capabilities\" CACHE STRING \"\" FORCE)"
  echo "set(CMAKE_CUDA_COMPILER \"$nvcc\" CACHE FILEPATH \"\" FORCE)"
  echo "set(CMAKE_PREFIX_PATH \"$torch\" CACHE PATH \"\" FORCE)"
  [ ! -d "$top/include" ] || echo "set(CUDAToolkit_ROOT \"$top\" CACHE PATH \"\" FORCE)"
  [ ! -d "$top/include" ] || echo "set(CUDA_TOOLKIT_ROOT_DIR \"$top\" CACHE PATH \"\" FORCE)"
} >$folder/settings.new
cmp -s $folder/settings.new $folder/settings.cmake || rm -f build/gpu/CMakeCache.txt  # a compiler cannot change in place
mv $folder/settings.new $folder/settings.cmake
say "builds in build/gpu for compute capability $(sed -E 's/([0-9])(;|$)/.\1\2/g; s/;/, /g' <<<"$capabilities")"
