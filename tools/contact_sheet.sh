#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes docs/images/contact_sheet.png (one row a prompt, four azimuths) and docs/images/ism_and_sds.png (two prompts, ISM above
# SDS, equal cost) with the embedded prior's default preset. Runs that are already there are not made again.
set -euo pipefail
cd "$(dirname "$0")/.."

prompts=("a hamburger" "a cupcake" "a blue mug" "a snowman" "a traffic cone" "a birthday cake" "a wine bottle" "a christmas tree" "a green vase")
beside_sds=("a hamburger" "a cupcake")
lucid=build/release/bin/lucid
camera=(--size 192 --camera 75 20 3.2 --fovy 0.68 --sheet 4)

# make SCORE PROMPT: sets `ply` to that run's point cloud.
make() {
  local folder=output/contact_sheet/$1/${2// /_}
  ply=("$folder"/point_cloud/iteration_*/point_cloud.ply)
  local steps=()
  [ "$1" = sds ] && steps=(--iterations 570 --warmup-iter 190) # an SDS step costs 1 / 1.9 of an ISM step
  [ -e "${ply[0]}" ] || "$lucid" generate --output "output/contact_sheet/$1" --workspace "${2// /_}" --overwrite --score "$1" \
    "${steps[@]}" --no-save-video --no-save-process --vis-interval 0 "$2"
  ply=("$folder"/point_cloud/iteration_*/point_cloud.ply)
}

assets=()
for prompt in "${prompts[@]}"; do
  make ism "$prompt"
  assets+=("${ply[0]}")
done
"$lucid" render "${assets[@]}" "${camera[@]}" -o docs/images/contact_sheet.png

assets=()
for prompt in "${beside_sds[@]}"; do
  for score in ism sds; do
    make $score "$prompt"
    assets+=("${ply[0]}")
  done
done
"$lucid" render "${assets[@]}" "${camera[@]}" -o docs/images/ism_and_sds.png
