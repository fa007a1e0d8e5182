#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The estimate of memory beside the peak, for short runs of the embedded prior and of a toy Stable Diffusion; with a
# checkpoint of Stable Diffusion's size, for runs of that too. Fails where an estimate is more than 15 % off, or a run
# takes more than its --memory. About two minutes of two cores, and five more with a checkpoint (9 GB of memory).
# usage: tools/check_memory.sh [--sd CHECKPOINT] [BUILD]
#   CHECKPOINT: for example from tests/make_sd_checkpoint.py FOLDER
set -euo pipefail
sd=
if [ "${1-}" = --sd ]; then
  sd=$2
  shift 2
fi
build=${1:-build/release}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
echo "| run | estimate, MB | peak, MB | difference |"
echo "|---|---|---|---|"
number() { grep -o "\"$1\": [0-9]*" "$folder/run/manifest.json" | grep -o '[0-9]*$'; }
measure() { # NAME STEPS OPTION...
  local name=$1 steps=$2
  shift 2
  rm -rf "$folder/run"
  if ! "$build/bin/lucid" generate --output "$folder" --workspace run --iterations "$steps" --refine-iter 0 \
    --no-save-video --no-save-process --vis-interval 0 --progress off "$@" "a red car" 2>"$folder/log"; then
    echo "| $name | failed: $(tail -n 1 "$folder/log") | | |"
    failed=1
    return
  fi
  awk -v name="$name" -v e="$(number estimated_mb)" -v p="$(number peak_mb)" 'BEGIN {
      printf "| %s | %d | %d | %+.0f %% |\n", name, e, p, 100 * (e / p - 1)
      exit !(e / p > 0.85 && e / p < 1.15) }' || failed=1
}
keep() { # MEGABYTES NAME STEPS OPTION...
  local most=$1 name=$2
  shift 2
  measure "$name, --memory ${most}M" "$@" --memory "${most}M"
  [ "$(number peak_mb)" -le "$most" ] || { echo "took more than ${most} MB" && failed=1; }
}
tiny=tests/goldens/sd/tiny-sd1
large=(--image-w 512 --image-h 512 --batch-size 2)
measure "embedded prior, 128 x 128, 2 views" 3 --image-w 128 --image-h 128 --batch-size 2
measure "the same, 200 000 Gaussians" 3 --image-w 128 --image-h 128 --batch-size 2 --init-num-pts 200000 --init-shape sphere
measure "embedded prior, 256 x 256, 4 views" 3 --image-w 256 --image-h 256 --batch-size 4
measure "embedded prior, 512 x 512, 2 views" 3 "${large[@]}"
measure "the same, --low-memory" 3 "${large[@]}" --low-memory
keep 900 "the same" 3 "${large[@]}"
measure "toy Stable Diffusion, 512 x 512, 2 views" 3 --prior $tiny "${large[@]}"
measure "the same, one thread" 3 --prior $tiny "${large[@]}" --threads 1
if [ -n "$sd" ]; then
  large+=(--prior "$sd" --init-num-pts 50000 --no-perpneg)
  measure "Stable Diffusion's shapes, 512 x 512, 2 views, without Perp-Neg" 2 "${large[@]}"
  measure "the same, --low-memory" 2 "${large[@]}" --low-memory
  keep 3800 "the same" 2 "${large[@]}"
fi
exit $failed
