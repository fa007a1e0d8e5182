#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the page and tests it in a headless Chromium, on a simulated server and on `lucid serve` of build/release; then the API
# by schemathesis. Prints why and exits with 77 (skipped) where Node's packages or Chromium cannot be fetched.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "skipped  tests of the page: $1"
  exit 77
}
mkdir -p build
tools/setup_web.sh tests >build/web-setup.log 2>&1 || skip "Debian packages: $(tail -n 1 build/web-setup.log)"
if [ ! -e web/node_modules/.package-lock.json ]; then
  (cd web && timeout 300 npm ci --ignore-scripts --loglevel=error) >build/web-npm.log 2>&1 ||
    skip "npm: $(grep -m 1 . build/web-npm.log)"
fi
make web
# A busy machine can be too slow for a browser: only a second failure in a row counts.
web/tests/run.sh build/release/bin/lucid || { echo "once more:"; web/tests/run.sh build/release/bin/lucid; }
tools/check_api.sh || { code=$?; [ $code -eq 77 ] || exit $code; }
