#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/fetch_wheels.sh [REQUIREMENTS FOLDER [MORE_MB]]: unpacks the wheels of a file as tools/gpu_requirements.py writes it into
# FOLDER, through pip and whatever index it is set up for. pip checks the hashes. Says beforehand how much that is and where it
# goes; refuses if the disk lacks room for it and MORE_MB. A second call does only what the first left; with another file all anew.
# In the tarball with CUDA it is bin/lucid-fetch-cuda, and needs no arguments.
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/..
requirements=${1:-$root/share/lucid/cuda-requirements.txt} folder=${2:-$root/lib/cuda} more=${3:-0}

say() { echo "gpu: $*"; }
refuse() { say "$*" >&2; exit 2; }
# megabytes download|unpacked: the sum of the file's comments.
megabytes() { sed -n "s/^# .*$1 \([0-9]*\) MB.*/\1/p" "$requirements" | awk '{sum += $1} END {print sum}'; }

if [ -e "$folder" ] && ! cmp -s "$requirements" "$folder/requirements.txt"; then
  rm -rf "${folder:?}"/*  # its contents: it may be a link to another disk
fi
mkdir -p "$folder/done"
cp "$requirements" "$folder/requirements.txt"
wheels=$(grep -v '^#' "$requirements")
missing=$(while read -r wheel; do [ -e "$folder/done/${wheel%% *}" ] || echo "$wheel"; done <<<"$wheels")
[ -n "$missing" ] || exit 0

python3 -m pip --version >/dev/null 2>&1 || refuse "python3 has no pip: install Debian's python3-pip"
biggest=700  # the largest wheel lies beside what it unpacks to
free=$(df -Pm "$folder" | awk 'NR == 2 {print $4}') here=$(du -sm "$folder/" | cut -f1)
need=$(($(megabytes unpacked) + biggest + more - here))
[ "$free" -ge "$need" ] || refuse "$(realpath "$folder") needs $need MB more and its disk has $free MB free: make room, or link that folder to another disk"

say "downloads $(sed -n 's/^# \(torch .*\), Python.*/\1/p' "$requirements"): $(megabytes download) MB, which take $(megabytes unpacked) MB in $(realpath "$folder")"
[ "$missing" = "$wheels" ] || say "$(wc -l <<<"$missing") of $(wc -l <<<"$wheels") wheels are left to fetch"
python=$(sed -n 's/^# .*, Python \([0-9.]*\)$/\1/p' "$requirements")
work=$folder/unfinished
while read -r wheel; do
  name=${wheel%% *}
  say "  $name"
  rm -rf "$work" && mkdir "$work"
  echo "$wheel" >"$work/requirement.txt"
  # Any Python will do for the wheels' libraries and headers.
  TMPDIR=$work python3 -m pip download -q --disable-pip-version-check --no-cache-dir --no-deps --require-hashes --only-binary :all: \
    --python-version "$python" -d "$work" -r "$work/requirement.txt" </dev/null 2>"$work/pip.log" ||
    refuse "pip cannot fetch $name: $(grep -v '^WARNING' "$work/pip.log" | grep -m 1 -i error || tail -n 1 "$work/pip.log")"
  python3 -m zipfile -e "$work"/*.whl "$folder"
  touch "$folder/done/$name"
done <<<"$missing"
rm -rf "$work"
