#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/make_tarball.sh [FOLDER [BUILD]]: a build folder (build/release) as FOLDER/lucid-VERSION-linux-x86_64.tar.xz (FOLDER: build),
# with every shared library but those of glibc, and their licences. Some are GPL, as Debian builds FFmpeg. It runs from any folder,
# without root, where glibc is as new as this machine's. A build with CUDA becomes lucid-VERSION-linux-x86_64-cuda.tar.xz, without
# libtorch and CUDA's libraries: tools/cuda_engine.sh finds them on the machine that it runs on.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath "${1:-build}")
build=${2:-build/release}
tools/install_missing.sh patchelf xz-utils

version=$(sed -n 's/^project(lucid VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
name=lucid-$version-linux-$(uname -m)
not_ours='^(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl|nss_.*|mvec))\.so'  # glibc's own belong to the machine that runs it
cuda=$(ldd "$build/bin/lucid-engine" | sed -n 's|.*=> \(.*\)/lib/libtorch_cuda\.so .*|\1|p')  # libtorch's folder
if [ -n "$cuda" ]; then
  name=$name-cuda
  not_ours+='|^lib(torch|c10|caffe2|cu(da|blas|dnn|f|rand|solver|sparse|pti)|nv|nccl)'
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$build" --component program --strip --prefix "$work/$name" >/dev/null
mkdir -p "$work/$name/lib/lucid"

ldd "$work/$name/bin/lucid" "$work/$name/bin/lucid-engine" | awk '/=> \// {print $1, $3}' | sort -u | grep -vE "$not_ours" |
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
if [ -n "$cuda" ]; then
  mv "$work/$name/bin/lucid-engine" "$work/$name/bin/lucid-engine-cuda"
  install -m 755 tools/cuda_engine.sh "$work/$name/bin/lucid-engine"
  install -m 755 tools/fetch_wheels.sh "$work/$name/bin/lucid-fetch-cuda"
  sed '/^# compiler/,$d' tools/gpu-requirements.txt >"$work/$name/share/lucid/cuda-requirements.txt"
fi
tar -C "$work" -c "$name" | xz -T0 -3 >"$folder/$name.tar.xz"
echo "$folder/$name.tar.xz: $(stat -c %s "$folder/$name.tar.xz" | awk '{printf "%.0f", $1 / 1e6}') MB, unpacked $(du -sm "$work/$name" | cut -f1) MB, $(ls "$work/$name/lib/lucid" | wc -l) libraries"
