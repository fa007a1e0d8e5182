#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# bin/lucid-engine of the tarball with CUDA: finds the libtorch that lucid-engine-cuda was built with, and becomes that program.
# Looked at, in this order: LUCID_TORCH_PREFIX, lib/cuda of this folder (filled by lucid-fetch-cuda), VIRTUAL_ENV, python3's torch.
here=$(dirname "$(readlink -f "$0")")
root=$(dirname "$here")
list=$root/share/lucid/cuda-requirements.txt
wanted=$(sed -n 's/^torch==\([0-9.]*\) .*/\1/p' "$list")
cuda=$(sed -n 's/^# torch .*, CUDA \([0-9]*\)\..*/\1/p' "$list")

# fits FOLDER: whether it is a torch of the same release, for the same CUDA. Other releases have other functions.
fits() {
  [ -e "$1/lib/libtorch_cuda.so" ] || return 1
  found="$found $1"
  grep -q "__version__ = '$wanted\b" "$1/version.py" 2>/dev/null && grep -q "^cuda.*= '$cuda\." "$1/version.py"
}

found=
for torch in "$LUCID_TORCH_PREFIX" "$LUCID_TORCH_PREFIX/torch" "$root/lib/cuda/torch" "$VIRTUAL_ENV"/lib/python3*/site-packages/torch python3; do
  [ "$torch" != python3 ] || torch=$(python3 -c 'import importlib.util; print(importlib.util.find_spec("torch").submodule_search_locations[0])' 2>/dev/null)
  if fits "$torch"; then
    for libraries in "$torch"/lib "$torch"/../nvidia/*/lib; do
      LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$libraries
    done
    export LD_LIBRARY_PATH
    exec "$here/lucid-engine-cuda" "$@"
  fi
done
what="there is no libtorch $wanted with CUDA $cuda"
[ -z "$found" ] || what="$what (not that one:$found)"
echo "lucid: $what: $here/lucid-fetch-cuda fetches it ($(sed -n 's/^# libraries: download \([0-9]*\) MB.*/\1/p' "$list") MB), or LUCID_TORCH_PREFIX names a torch's folder" >&2
exit 2
