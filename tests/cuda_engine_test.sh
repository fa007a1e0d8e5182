#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/cuda_engine.sh, the tarball's search for a libtorch with CUDA, in an unpacked tarball and with torches that are made up.
set -euo pipefail
source=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/lucid
mkdir -p "$root/bin" "$root/share/lucid" "$work/bin"
cp "$source/tools/cuda_engine.sh" "$root/bin/lucid-engine"
echo '# torch 2.13.0, CUDA 13.0.3.0, Python 3.11
# libraries: download 2518 MB, unpacked 3952 MB
torch==2.13.0 --hash=sha256:00' >"$root/share/lucid/cuda-requirements.txt"
printf '#!/bin/sh\necho "$1 with $LD_LIBRARY_PATH"\n' >"$root/bin/lucid-engine-cuda"
printf '#!/bin/sh\nexit 1\n' >"$work/bin/python3"
chmod +x "$root/bin/lucid-engine-cuda" "$work/bin/python3"
export PATH="$work/bin:$PATH"
unset LUCID_TORCH_PREFIX VIRTUAL_ENV LD_LIBRARY_PATH

# torch_in FOLDER VERSION CUDA
torch_in() {
  mkdir -p "$1/torch/lib" "$1/nvidia/cu13/lib"
  touch "$1/torch/lib/libtorch_cuda.so"
  printf "__version__ = '%s'\ncuda: Optional[str] = '%s'\n" "$2" "$3" >"$1/torch/version.py"
}
failures=0
# expect CODE TEXT: the exit code, and the only line of the output has TEXT.
expect() {
  local code=0
  "$root/bin/lucid-engine" info >"$work/out" 2>&1 || code=$?
  [ $code -eq "$1" ] && grep -qF -- "$2" "$work/out" && [ "$(wc -l <"$work/out")" -eq 1 ] && return
  echo "FAILED line ${BASH_LINENO[0]}: exit code $code for $1, wanted \"$2\" in: $(cat "$work/out")"
  failures=$((failures + 1))
}

expect 2 "there is no libtorch 2.13.0 with CUDA 13: $root/bin/lucid-fetch-cuda fetches it (2518 MB)"
torch_in "$work/venv/lib/python3.11/site-packages" 2.12.0+cu130 13.0
export VIRTUAL_ENV=$work/venv
expect 2 "(not that one: $work/venv/lib/python3.11/site-packages/torch)"
torch_in "$work/venv/lib/python3.11/site-packages" 2.13.0+cu126 12.6
expect 2 "there is no libtorch 2.13.0 with CUDA 13 (not"
torch_in "$work/venv/lib/python3.11/site-packages" 2.13.0+cu130 13.0
expect 0 "info with $work/venv/lib/python3.11/site-packages/torch/lib:"
expect 0 "nvidia/cu13/lib"
torch_in "$root/lib/cuda" 2.13.0+cu130 13.0
expect 0 "info with $root/lib/cuda/torch/lib:"
torch_in "$work/chosen" 2.13.0 13.0
LUCID_TORCH_PREFIX=$work/chosen expect 0 "info with $work/chosen/torch/lib:"
LUCID_TORCH_PREFIX=$work/chosen/torch expect 0 "info with $work/chosen/torch/lib:"
rm -r "$root/lib" "$work/venv"
printf '#!/bin/sh\necho %s\n' "$work/chosen/torch" >"$work/bin/python3"
expect 0 "info with $work/chosen/torch/lib:"

[ $failures -gt 0 ] || echo passed
exit $((failures > 0))
