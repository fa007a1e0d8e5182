#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/evaluate.sh [FOLDER]: measures the embedded prior for docs/results.md. Evaluates 100 prompts with --preset draft, and every
# fourth of them (24) with both presets and both scores (ISM, SDS); makes the contact sheet of these 24. Takes about two and a half
# hours on two cores. A stopped evaluation continues when started again.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-output/eval}
lucid=build/release/bin/lucid
mkdir -p "$out" "$out/compared"
[ -e "$out/corpus" ] || "$lucid" prior corpus --out "$out/corpus"

"$lucid" eval --list --count 100 >"$out/prompts.txt"
awk 'NR % 4 == 1' "$out/prompts.txt" | head -n 24 >"$out/some.txt"
"$lucid" eval --out "$out/draft" --preset draft --prompts "$out/prompts.txt" --corpus "$out/corpus" --json
# The comparison reuses the ISM assets of the first evaluation.
ln -sfn ../draft/runs "$out/compared/runs"
"$lucid" eval --out "$out/compared" --preset draft --prompts "$out/some.txt" --compare ism,sds --corpus "$out/corpus" --json
"$lucid" eval --out "$out/default" --preset default --prompts "$out/some.txt" --compare ism,sds --corpus "$out/corpus" --json

assets=()
while read -r prompt; do
  assets+=("$out/default/runs/ism/${prompt// /_}_s0"/point_cloud/iteration_*/point_cloud.ply)
done <"$out/some.txt"
"$lucid" render "${assets[@]}" --size 128 --camera 75 20 3.2 --fovy 0.68 --sheet 4 --columns 3 -o docs/images/evaluation.png
