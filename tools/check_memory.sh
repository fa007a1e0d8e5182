#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The estimate of memory beside the peak, for six short runs of the embedded prior and of a toy Stable Diffusion.
# Fails where one is more than 15 % off. About five minutes of two cores.
# usage: tools/check_memory.sh [BUILD]
set -euo pipefail
build=${1:-build/release}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0
echo "| run | estimate, MB | peak, MB | estimate / peak |"
echo "|---|---|---|---|"
measure() {
  local name=$1 file=$folder/run/manifest.json
  shift
  rm -rf "$folder/run"
  "$build/bin/lucid" generate --output "$folder" --workspace run --iterations 3 --refine-iter 0 --no-save-video \
    --no-save-process --vis-interval 0 --progress off "$@" "a red car" 2>/dev/null
  local estimate peak
  estimate=$(grep -o '"estimated_mb": [0-9]*' "$file" | grep -o '[0-9]*$')
  peak=$(grep -o '"peak_mb": [0-9]*' "$file" | grep -o '[0-9]*$')
  awk -v name="$name" -v e="$estimate" -v p="$peak" \
    'BEGIN { printf "| %s | %d | %d | %.2f |\n", name, e, p, e / p; exit !(e / p > 0.85 && e / p < 1.15) }' || failed=1
}
tiny=tests/goldens/sd/tiny-sd1
measure "embedded prior, 128 x 128, 2 views" --image-w 128 --image-h 128 --batch-size 2
measure "embedded prior, 256 x 256, 4 views" --image-w 256 --image-h 256 --batch-size 4
measure "embedded prior, 512 x 512, 2 views" --image-w 512 --image-h 512 --batch-size 2
measure "the same, --low-memory" --image-w 512 --image-h 512 --batch-size 2 --low-memory
measure "toy Stable Diffusion, 512 x 512, 2 views" --prior $tiny --image-w 512 --image-h 512 --batch-size 2
measure "the same, one thread" --prior $tiny --image-w 512 --image-h 512 --batch-size 2 --threads 1
exit $failed
