#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tools/build_arm.sh: cross-compiles the whole program for 64-bit ARM, and runs it under emulation: `lucid info`, a short run, and
# test programs. The libraries come from Debian's arm64 packages of this machine's release, unpacked to build/arm/sysroot and not
# installed: Debian's own way, `apt install libtorch-dev:arm64`, ends at python3-minimal:arm64, whose set-up runs an ARM program.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install_missing.sh g++-aarch64-linux-gnu qemu-user file cmake ninja-build pkg-config
unset LUCID_TORCH2_PREFIX  # an x86 one
out=$(pwd)/build/arm
sysroot=$out/sysroot

make_sysroot() {
  mapfile -t packages < <(tools/setup_debian.sh --libraries)
  mkdir -p "$out"/apt/{lists,cache,etc} "$sysroot"
  : >"$out/apt/status"
  local apt=(apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$out/apt" -o Dir::State::status="$out/apt/status"
    -o Dir::Cache="$out/apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root)
  "${apt[@]}" update
  "${apt[@]}" install -y --download-only --no-install-recommends libc6-dev "${packages[@]}"
  for package in "$out"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$sysroot"; done
  # Absolute links must stay inside; and links that packages' set-up would make.
  find "$sysroot" -type l -lname '/*' -printf '%p\n%l\n' | while read -r link && read -r target; do ln -sfn "$sysroot$target" "$link"; done
  local lib=$sysroot/usr/lib/aarch64-linux-gnu
  for name in libblas.so.3 liblapack.so.3; do ln -sf "openblas-openmp/$name" "$lib/$name"; done
  rm -rf "$out/apt/cache"
  touch "$out/sysroot.made"
}
[ -e "$out/sysroot.made" ] || make_sysroot
echo "sysroot: $(du -sm "$sysroot" | cut -f1) MB"

cmake -G Ninja -S . -B "$out/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_TOOLCHAIN_FILE=tools/aarch64-toolchain.cmake \
  -DLUCID_SYSROOT="$sysroot" -DLUCID_CUDA=OFF -DLUCID_BENCH=OFF >"$out/configure.log" 2>&1 || { cat "$out/configure.log"; exit 1; }
tests=(lucid_base_test lucid_render_test lucid_gaussians_test lucid_mesh_test)
cmake --build "$out/build" --target lucid "${tests[@]}"
file "$out/build/bin/lucid-engine" | grep -o 'ARM aarch64'
# The launcher cannot start another ARM program here, so that the engine is called itself.
arm() { qemu-aarch64 -L "$sysroot" "$out/build/bin/$1" "${@:2}"; }
arm lucid-engine info
arm lucid-engine generate --preset draft --iterations 3 --no-save-video --no-save-process --overwrite --progress off \
  --output "$out/runs" "a hamburger"
for test in "${tests[@]}"; do arm "$test"; done
