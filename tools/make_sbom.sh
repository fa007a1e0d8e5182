#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/make_sbom.sh [FOLDER]: the software bill of materials of build/release and build/web, FOLDER/lucid-VERSION.cdx.json
# (FOLDER: build), in CycloneDX's JSON, by the CycloneDX project's own Python library, which also validates it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath "${1:-build}")
tools/install_missing.sh python3-venv

library="cyclonedx-python-lib[json-validation]==11.12.0"
venv=build/sbom-venv
if [ "$(cat $venv/holds 2>/dev/null)" != "$library" ]; then
  rm -rf $venv
  python3 -m venv $venv
  $venv/bin/pip install -q --disable-pip-version-check "$library"
  echo "$library" >$venv/holds
fi
$venv/bin/python tools/make_sbom.py build/release "$folder"
