#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/check_api.sh [FOLDER]: runs schemathesis (Python) against `lucid serve` of FOLDER, build/release/bin by default, and
# configs/openapi.json. A shell script stands for lucid-engine. Prints why and exits with 77 where schemathesis is not there.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${1:-build/release/bin}")

venv=build/schemathesis
if [ ! -x $venv/bin/st ]; then
  { python3 -m venv $venv && timeout 300 $venv/bin/pip install -q schemathesis==4.32.5; } >build/schemathesis.log 2>&1 || {
    echo "skipped  schemathesis: $(tail -n 1 build/schemathesis.log)"
    exit 77
  }
fi

work=$(mktemp -d)
cp "$bin/lucid" "$work/lucid"
# The script of the tests of serve/jobs, which works like `lucid generate`, `export` and `render`.
sed -n '/R"sh(/,/^)sh"/{s/.*R"sh(//;/^)sh"/d;p}' src/lucid/serve/jobs/fixture_test.h >"$work/lucid-engine"
chmod +x "$work/lucid-engine"
# Without long polls, which would take a minute each, and without the scenes, which `lucid view` serves.
python3 - configs/openapi.json "$work/openapi.json" <<'P'
import json, sys
document = json.load(open(sys.argv[1]))
document["paths"] = {path: value for path, value in document["paths"].items() if "scenes" not in path}
for operations in document["paths"].values():
    for operation in operations.values():
        operation["parameters"] = [each for each in operation.get("parameters", []) if each["name"] != "wait"]
json.dump(document, open(sys.argv[2], "w"))
P
export LUCID_TOKEN=0123456789abcdef0123 LUCID_DATA=$PWD
"$work/lucid" serve --output "$work/output" --port 0 >"$work/address" 2>"$work/log" &
server=$!
trap '{ kill -KILL $server || true; } 2>/dev/null; rm -rf "$work"' EXIT
for _ in $(seq 100); do [ -s "$work/address" ] && break; sleep 0.1; done
url=$(sed 's|/#.*||' "$work/address")

st=$PWD/$venv/bin/st
cd "$work"  # it leaves files behind
run() {
  "$st" run "$work/openapi.json" --url "$url" -H "Authorization: Bearer $LUCID_TOKEN" --phases coverage,fuzzing \
    --max-examples 20 --no-color "$@"
}
# The file cannot say which options there are, so that unknown ones are "valid" and refused.
run --exclude-path /api/v1/runs
run --include-path /api/v1/runs --exclude-checks positive_data_acceptance
kill -INT $server
wait $server
! grep -iE "sanitizer|runtime error" "$work/log"
echo "schemathesis: passed"
