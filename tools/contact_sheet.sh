#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the README's pictures of eight assets by the embedded prior with --preset draft: docs/images/contact_sheet.png, two sides of
# each at 512 x 512, and docs/images/turning.webp, a film of all eight. The prompts are every 25th name of its vocabulary, starting
# with the fourth; every third has another colour. Existing assets are not made again.
set -euo pipefail
cd "$(dirname "$0")/.."

prompts=("a baby bottle" "a blue bush" "a desk" "a girl" "a green lilies" "a punching bag" "a sports car" "a yellow trampoline")
lucid=build/release/bin/lucid
assets=()
for prompt in "${prompts[@]}"; do
  folder=output/contact_sheet/${prompt// /_}
  compgen -G "$folder/point_cloud/iteration_*/point_cloud.ply" >/dev/null || "$lucid" generate --output output/contact_sheet \
    --workspace "${prompt// /_}" --preset draft --overwrite --no-save-video --no-save-process --vis-interval 0 "$prompt"
  assets+=("$folder"/point_cloud/iteration_*/point_cloud.ply)
done
"$lucid" render "${assets[@]}" --size 512 --supersample 2 --camera 75 25 3.2 --fovy 0.68 --sheet 2 --columns 2 -o docs/images/contact_sheet.png

# The film: four assets in a row, 384 pixels each, one turn.
side=384 films=() layout=""
for i in "${!assets[@]}"; do
  film=output/contact_sheet/$i.mp4
  "$lucid" render "${assets[$i]}" --size $side --supersample 2 --camera 75 20 3.2 --fovy 0.68 --frames 60 --fps 15 -o "$film"
  films+=(-i "$film")
  layout+="$((i % 4 * side))_$((i / 4 * side))|"
done
ffmpeg -v error -y "${films[@]}" -filter_complex "xstack=inputs=${#assets[@]}:layout=${layout%|}" -c:v libwebp_anim -q:v 70 -loop 0 \
  docs/images/turning.webp
