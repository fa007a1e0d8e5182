#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the Debian package of build/release, checks it with lintian, installs it in a fresh Debian 12 root, makes an asset there
# as an ordinary user from the read-only installation, and removes it again. Needs root and a kernel that lets it mount.
# Prints why and exits with 77 (skipped) where a root cannot be made.
set -euo pipefail
cd "$(dirname "$0")/.."

skip() {
  echo "skipped  the Debian package in a fresh root: $1"
  exit 77
}
[ "$(id -u)" -eq 0 ] || skip "it needs root"
tools/install_missing.sh debootstrap lintian >build/package-setup.log 2>&1 || skip "$(tail -n 1 build/package-setup.log)"

work=$(mktemp -d)
root=$work/root
cleanup() {
  umount "$root/proc" "$root/dev" 2>/dev/null || true
  mountpoint -q "$root/dev" || rm -rf "$work"
}
trap cleanup EXIT
(cd build/release && cpack -G DEB -D CPACK_PACKAGE_DIRECTORY="$work") >build/package.log 2>&1 || { cat build/package.log; exit 1; }
package=$(echo "$work"/lucid_*_amd64.deb)
lintian --fail-on error --allow-root "$package"

mirror=$(awk '/^URIs:/ {print $2; exit} /^deb / {for (i = 2; i <= NF; ++i) if ($i ~ /^http/) {print $i; exit}}' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
debootstrap --variant=minbase bookworm "$root" ${mirror:+"$mirror"} >build/debootstrap.log 2>&1 || skip "debootstrap: $(tail -n 1 build/debootstrap.log)"
mount -t proc proc "$root/proc" && mount --bind /dev "$root/dev" || skip "nothing can be mounted here"
# This machine's own settings of apt, such as a proxy, reach the mirror from the root too.
cp /etc/apt/apt.conf.d/99* "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
cp "$package" "$root/tmp/lucid.deb"
inside() { chroot "$root" "$@"; }
inside apt-get update -qq
begin=$SECONDS before=$(du -sm --one-file-system "$root" | cut -f1)
inside env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/lucid.deb >build/package-install.log 2>&1 ||
  { tail build/package-install.log; exit 1; }
echo "package: $(stat -c %s "$package" | awk '{printf "%.0f", $1 / 1e6}') MB; installed with its libraries in $((SECONDS - begin)) s, $(($(du -sm --one-file-system "$root" | cut -f1) - before)) MB"
inside useradd -m user
inside su user -c 'cd && lucid generate --preset draft --iterations 20 --no-save-video --progress off "a hamburger" &&
  lucid info output/a_hamburger/point_cloud/iteration_28/point_cloud.ply &&
  lucid export output/a_hamburger/point_cloud/iteration_28/point_cloud.ply hamburger.glb --progress off'
inside apt-get purge -y -qq lucid >/dev/null
left=$(inside find /usr -iname '*lucid*')
[ -z "$left" ] || { echo "purge leaves: $left"; exit 1; }
echo "package: passed"
