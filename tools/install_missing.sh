#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/install_missing.sh PACKAGE…: installs those of these Debian packages that are not installed. Does nothing if all are.
# Exit code 2 and one line if that cannot be.
set -euo pipefail

missing=()
for package in "$@"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || { echo "setup: these packages are missing, and there is neither root nor sudo to install them: ${missing[*]}" >&2; exit 2; }
  as_root=(sudo)
fi

echo "setup: installing ${#missing[@]} Debian packages: ${missing[*]}"
"${as_root[@]}" apt-get update -qq
known=" $(apt-cache policy "${missing[@]}" | awk '/^[^ ]/ {name = $1; sub(/:.*/, "", name)} /^  Candidate: / && $2 != "(none)" {printf "%s ", name}')"
for package in "${missing[@]}"; do
  [[ $known != *" $package "* ]] || continue
  case $package in
    libtorch-dev) hint="pip install torch, then LUCID_TORCH2_PREFIX=\$(python3 -c 'import torch; print(torch.utils.cmake_prefix_path)') make" ;;
    *) hint="add the archive that has it (on Ubuntu: universe), or install it from elsewhere" ;;
  esac
  echo "setup: $(. /etc/os-release && echo "$PRETTY_NAME") has no package $package: $hint" >&2
  exit 2
done
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
echo "setup: done"
