#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Tests of the built viewer and page in a headless Chromium: run.sh LUCID [FOLDER]. Screenshots go to FOLDER, and the
# files too; otherwise everything is removed.
set -euo pipefail
lucid=$(realpath "$1")
tests=$(dirname "$(realpath "$0")")
if [ $# -gt 1 ]; then
  folder=$2
  mkdir -p "$folder"
else
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi

# The file of `lucid view --html`.
node "$tests/make_assets.mjs" "$folder"
for asset in torus.ply box.obj; do
  "$lucid" view "$folder/$asset" --html "$folder/${asset%.*}.html" --title "a ${asset%.*}"
  node "$tests/view_test.mjs" "$folder/${asset%.*}.html" "$folder/${asset%.*}"
done

# The unpacking of live frames, without a browser.
node "$tests/packed_frame_test.mjs"

# The page, with a server whose runs are simulated.
for test in create run edit history look; do
  node "$tests/page_${test}_test.mjs" "$folder/page"
done

# The page on the real server.
node "$tests/serve_test.mjs" "$lucid" "$folder/serve"
