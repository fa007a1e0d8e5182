#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what `make web` needs: Node 18.19 or newer and npm, as Debian 12 has them. `setup_web.sh tests` also installs
# Chromium and Mesa's software OpenGL, for the tests in a browser. Does nothing where all is there.
set -euo pipefail

missing=()
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${1:-}" = tests ]; then
  for package in chromium libgl1-mesa-dri libegl1 libgles2; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
fi
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: these packages are missing, and there is neither root nor sudo to install them: ${missing[*]}" >&2; exit 2; }
  as_root=(sudo)
fi

echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
