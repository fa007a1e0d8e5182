#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/evaluate_edits.sh [FOLDER] [OPTION...]: measures `lucid edit` with the embedded prior for docs/results.md. Makes the assets of 12
# prompts with --preset draft, edits each, and asks the judge of `lucid eval`. Options go to the edits: --score pds. Takes about ten
# minutes on two cores. A stopped evaluation continues when started again.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${1:-output/edits}
[ $# -eq 0 ] || shift
lucid=build/release/bin/lucid
mkdir -p "$out"

# Colours: every 24th name of the vocabulary from the fifth on, from the first to the last of the colours that the prior saw it in.
# Then objects to near ones.
pairs="colour|a black bar stool|a yellow bar stool
colour|a brown cactus|a white cactus
colour|a black desk|a yellow desk
colour|a blue gift box|a white gift box
colour|a black lawn mower|an orange lawn mower
colour|a black potted plant|a yellow potted plant
colour|a black snowman|a red snowman
colour|a brown tent|a yellow tent
shape|a mug|a teapot
shape|a stool|a chair
shape|a dog|a cat
shape|a car|a van"

cut -d'|' -f2 <<<"$pairs" >"$out/sources.txt"
"$lucid" batch "$out/sources.txt" --preset draft --no-save-video --no-save-process --out "$out/sources"

number=0
while IFS='|' read -r change from to; do
  number=$((number + 1))
  source=$(printf '%s/sources/%04d_%s' "$out" "$number" "${from// /_}")
  printf '{"prompt": "%s", "asset": "%s", "change": "%s"}\n' "$to" "$source" "$change"
done <<<"$pairs" >"$out/edits.jsonl"
"$lucid" batch "$out/edits.jsonl" --no-save-video --no-save-process --out "$out/edits" "$@"
"$lucid" eval --assets "$out/edits" --out "$out/judged" --json
