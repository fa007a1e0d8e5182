#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/setup_gpu.sh on machines that are made up: programs that stand in for nvidia-smi, nvcc, python3 and df say what there is.
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tools" "$work/bin"
cp "$source"/tools/{setup_gpu.sh,fetch_wheels.sh,gpu-requirements.txt} "$work/tools"
printf '#!/bin/sh\n' >"$work/tools/setup_debian.sh"
chmod +x "$work/tools/setup_debian.sh"
export PATH="$work/bin:$PATH"
unset LUCID_TORCH2_PREFIX

# stand_in PROGRAM: standard input is its code.
stand_in() {
  { echo '#!/bin/sh' && cat; } >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}
cards() { printf 'cat <<END\n%s\nEND\n' "$1" | stand_in nvidia-smi; }
own_torch() {  # of this major version of CUDA
  mkdir -p "$work/torch/lib"
  echo "needs libcudart.so.$1" >"$work/torch/lib/libc10_cuda.so"
  export LUCID_TORCH2_PREFIX=$work/torch/share/cmake
}
own_nvcc() {  # of this version
  mkdir -p "$work/toolkit/include" "$work/toolkit/bin"
  touch "$work/toolkit/include/cublas_v2.h"
  stand_in nvcc <<END
case \$1 in
  --version) echo "Cuda compilation tools, release $1, V$1.99" ;;
  --dryrun) echo '#\$ TOP=$work/toolkit/bin/..' >&2 ;;
  --list-gpu-code) printf 'sm_%s\n' 75 80 86 89 90 ;;
esac
END
  cp "$work/bin/nvcc" "$work/toolkit/bin/nvcc"
}

failures=0
fail() {
  echo "FAILED line ${BASH_LINENO[-2]}: $*"
  failures=$((failures + 1))
}
# expect CODE TEXT [OPTION]: the exit code, and that a line of the output has TEXT.
expect() {
  local code=0
  "$work/tools/setup_gpu.sh" ${3:-} >"$work/out" 2>&1 || code=$?
  [ $code -eq "$1" ] && grep -qF -- "$2" "$work/out" || fail "exit code $code for $1, wanted \"$2\" in: $(cat "$work/out")"
}
expect_settings() { grep -qF -- "$1" "$work/build/cuda/settings.cmake" || fail "no \"$1\" in the settings"; }
has_driver() { [ -e /proc/driver/nvidia/version ]; }  # then this machine cannot play one without

# No torch of its own, so that the wheels' CUDA 13 decides.
stand_in python3 <<<'exit 1'
stand_in nvidia-smi <<<'echo "NVIDIA-SMI has failed"; exit 9'
has_driver || expect 2 'no NVIDIA driver: a card needs driver 580 or later' --card
cards 'NVIDIA H200, 9.0, 143771, 580.65.06'
expect 0 'card: NVIDIA H200, compute capability 9.0, 150.8 GB, driver 580.65.06' --card
cards 'NVIDIA GeForce RTX 3090, 8.6, 24576, 535.183.01'
expect 2 'driver 535.183.01 is too old for CUDA 13: install driver 580 or later' --card
cards 'NVIDIA GeForce GTX 1080, 6.1, 8192, 580.65.06'
expect 2 'no card of this machine can be used' --card
cards 'NVIDIA GeForce RTX 3050, 8.6, 8192, 580.65.06
NVIDIA GeForce GTX 1080, 6.1, 8192, 580.65.06'
expect 0 'too old for lucid, which needs compute capability 8.0' --card
expect 0 'less than the 10 GB' --card

# No room on the disk for the wheels.
stand_in python3 <<<'case "$*" in *find_spec*) exit 1 ;; esac'
stand_in df <<<'printf "Filesystem\nx 9 9 300 9 /\n"'
expect 2 'MB more and its disk has 300 MB free: make room'
rm "$work/bin/df"

# libtorch and nvcc of its own: CUDA 12, which older drivers run.
own_torch 12
own_nvcc 12.4
cards 'NVIDIA GeForce RTX 3090, 8.6, 24576, 535.183.01
NVIDIA A100, 8.0, 40960, 535.183.01'
expect 0 'builds in build/gpu for compute capability 8.0, 8.6'
expect_settings 'CMAKE_CUDA_ARCHITECTURES "80;86"'
expect_settings "CMAKE_PREFIX_PATH \"$work/torch\""
expect_settings "CMAKE_CUDA_COMPILER \"$work/toolkit/bin/nvcc\""
cache=$work/build/gpu/CMakeCache.txt
mkdir -p "$work/build/gpu" && touch "$cache"
expect 0 'builds in build/gpu'
[ -e "$cache" ] || fail "the cache of a build with the same settings is gone"
cards 'NVIDIA A100, 8.0, 40960, 535.183.01'
expect 0 'builds in build/gpu for compute capability 8.0'
[ ! -e "$cache" ] || fail "the cache of a build with other settings is still there"
stand_in nvidia-smi <<<'exit 9'
if ! has_driver; then
  expect 0 'builds in build/gpu for compute capability 8.0, 8.6, 8.9, 9.0'
  expect_settings '"80;86;89;90"'  # this nvcc knows no 12.0
fi

# They do not fit: the wheels, and why.
cards 'NVIDIA GeForce RTX 5090, 12.0, 32607, 580.65.06'
expect 0 "$work/toolkit/bin/nvcc does not know this machine's cards" --card
cards 'NVIDIA A100, 8.0, 40960, 535.183.01'
own_torch 13
expect 2 "is for CUDA 13, $work/bin/nvcc is 12.4" --card
expect 2 'driver 535.183.01 is too old for CUDA 13' --card
own_torch 12
rm "$work/toolkit/include/cublas_v2.h"
[ -e /usr/include/cublas_v2.h ] || expect 2 "but not CUDA's libraries" --card

[ $failures -gt 0 ] || echo passed
exit $((failures > 0))
