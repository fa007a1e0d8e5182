#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/make_tarball.sh [FOLDER]: build/release as FOLDER/lucid-VERSION-linux-x86_64.tar.xz (FOLDER: build), with every shared
# library but those of glibc, and their licences. Some are GPL, as Debian builds FFmpeg. It runs from any folder, without root, where glibc is as new as this machine's.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath "${1:-build}")
tools/install_missing.sh patchelf xz-utils

version=$(sed -n 's/^project(lucid VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=lucid-$version-linux-$(uname -m)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install build/release --component program --strip --prefix "$work/$name" >/dev/null
mkdir -p "$work/$name/lib/lucid"

# glibc's own libraries must be those of the machine that runs the program.
ldd "$work/$name/bin/lucid" "$work/$name/bin/lucid-engine" | awk '/=> \// {print $1, $3}' | sort -u |
  grep -vE '^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl|nss_.*|mvec))\.so' |
  while read -r soname file; do
    cp -L "$file" "$work/$name/lib/lucid/$soname"
    readlink -f "$file" >>"$work/files"
  done
# Their licences: the copyright files of their Debian packages.
mkdir "$work/$name/share/doc/lucid/libraries"
while read -r file; do
  dpkg-query -S "$file" 2>/dev/null || dpkg-query -S "${file#/usr}"  # some packages own /lib, which is /usr/lib
done <"$work/files" | sed 's/:.*//' | sort -u | while read -r package; do
  cp -L "/usr/share/doc/$package/copyright" "$work/$name/share/doc/lucid/libraries/$package"
done
# DT_RPATH, since it holds for the libraries' own libraries too.
patchelf --force-rpath --set-rpath '$ORIGIN/../lib/lucid' "$work/$name"/bin/*
patchelf --force-rpath --set-rpath '$ORIGIN' "$work/$name"/lib/lucid/*
tar -C "$work" -c "$name" | xz -T0 -3 >"$folder/$name.tar.xz"
echo "$folder/$name.tar.xz: $(stat -c %s "$folder/$name.tar.xz" | awk '{printf "%.0f", $1 / 1e6}') MB, unpacked $(du -sm "$work/$name" | cut -f1) MB, $(ls "$work/$name/lib/lucid" | wc -l) libraries"
