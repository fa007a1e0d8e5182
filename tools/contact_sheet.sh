#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes docs/images/contact_sheet.png: assets of eight prompts, each seen from four sides, by the embedded prior with --preset draft.
# The prompts are every 25th name of its vocabulary, starting with the fourth; every third has another colour. Existing assets are
# not made again.
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
"$lucid" render "${assets[@]}" --size 128 --camera 75 20 3.2 --fovy 0.68 --sheet 4 --columns 2 -o docs/images/contact_sheet.png
