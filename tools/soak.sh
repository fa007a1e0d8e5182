#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A soak: one run in pieces, each stopped by SIGTERM and resumed, for MINUTES of wall time. Prints a line every
# half minute: step, resident memory and open files of the process. Ends with the range of each in the second half of
# every piece, and fails where memory or files grew there by more than a twentieth.
# usage: tools/soak.sh [MINUTES] [PIECES] [OPTIONS of lucid generate]
set -euo pipefail
minutes=${1:-120} pieces=${2:-4}
shift $(($# < 2 ? $# : 2))
lucid=${LUCID:-build/release/bin/lucid}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
seconds=$((minutes * 60 / pieces))
failed=0
for ((piece = 1; piece <= pieces; ++piece)); do
  resume=(); [ "$piece" = 1 ] || resume=(--resume)
  "$lucid" generate --output "$folder" --workspace soak --iterations 100000000 --no-save-video --no-save-process \
    --vis-interval 0 --progress json "${resume[@]}" "$@" "a red car" >"$folder/steps" 2>"$folder/log" &
  process=$!
  begin=$SECONDS
  : >"$folder/figures"
  while kill -0 $process 2>/dev/null && ((SECONDS - begin < seconds)); do
    sleep $((seconds < 300 ? 5 : 30))
    [ -r /proc/$process/status ] || break
    memory=$(awk '/^VmRSS/ {print int($2 / 1024)}' /proc/$process/status)
    files=$(ls /proc/$process/fd | wc -l)
    step=$(tail -n 1 "$folder/steps" | grep -o '"step":[0-9]*' | cut -d: -f2 || true)
    echo "piece $piece: $((SECONDS - begin)) s, step ${step:-0}, $memory MB, $files files"
    echo "$memory $files" >>"$folder/figures"
  done
  code=0
  kill -TERM $process 2>/dev/null || true
  wait $process || code=$?
  if [ "$code" != 130 ]; then
    echo "piece $piece: exit code $code"; cat "$folder/log"
    exit 1
  fi
  awk -v piece=$piece '
    { memory[NR] = $1; files[NR] = $2 }
    END {
      from = int(NR / 2) + 1; last = NR
      for (i = from; i <= last; ++i) {
        if (i == from || memory[i] < low) low = memory[i]
        if (memory[i] > high) high = memory[i]
        if (files[i] > most) most = files[i]
        if (i == from || files[i] < least) least = files[i]
      }
      printf "piece %d, second half: %d to %d MB, %d to %d files\n", piece, low, high, least, most
      exit !(high <= 1.05 * memory[from] && most <= least + 1)
    }' "$folder/figures" || failed=1
done
[ $failed = 0 ] && echo "flat: memory and files did not grow" || { echo "memory or files grew"; exit 1; }
