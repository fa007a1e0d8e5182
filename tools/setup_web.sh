#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs what `make web` needs: Node 18.19 or newer and npm, as Debian 12 has them. `setup_web.sh tests` also installs
# Chromium and Mesa's software OpenGL, for the tests in a browser. Does nothing where all is there.
set -euo pipefail

packages=()
command -v node >/dev/null || packages+=(nodejs)
command -v npm >/dev/null || packages+=(npm)
[ "${1:-}" = tests ] && packages+=(chromium libgl1-mesa-dri libegl1 libgles2)
exec "$(dirname "$0")/install_missing.sh" "${packages[@]}"
