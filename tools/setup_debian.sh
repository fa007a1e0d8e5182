#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the packages that lucid needs to build, test and run, on Debian 12 or 13. Does nothing if all are installed.
# LUCID_TORCH2_PREFIX, the folder of another libtorch (pip's: torch.utils.cmake_prefix_path), takes the place of libtorch-dev.
# `tools/setup_debian.sh --libraries` prints the names of the libraries only, a line each.
set -euo pipefail

programs=(
  # build
  g++ cmake ninja-build ccache pkg-config git ca-certificates
  # tests, format check; training data of the embedded prior: models to render (`lucid prior corpus`)
  ffmpeg clang-format sweethome3d-furniture
)
libraries=(
  # OpenBLAS with OpenMP, because the pthread build competes with libtorch's OpenMP threads
  libopenblas0-openmp
  # oneDNN: libtorch's library of convolutions, which lucid also calls directly
  libdnnl-dev
  # command line, configuration, logging
  libcli11-dev libyaml-cpp-dev nlohmann-json3-dev libspdlog-dev libfmt-dev
  # text (Unicode tables), hashes, nearest neighbours
  libutf8proc-dev libssl-dev libnanoflann-dev zlib1g-dev
  # images and videos
  libpng-dev libwebp-dev libavcodec-dev libavformat-dev libavutil-dev libswscale-dev
  # meshes and splats: decimation, glTF, compression
  libmeshoptimizer-dev libtinygltf-dev libzstd-dev
  # 3D models that `lucid prior corpus` renders
  libzip-dev libtinyobjloader-dev libstb-dev
  # the page's server (Beast, Asio; headers only)
  libboost-dev
  libgtest-dev
)
# tensors, autograd, convolutions
[ -n "${LUCID_TORCH2_PREFIX:-}" ] || libraries+=(libtorch-dev)

if [ "${1:-}" = --libraries ]; then
  printf '%s\n' "${libraries[@]}"
  exit
fi
"$(dirname "$0")/install_missing.sh" "${programs[@]}" "${libraries[@]}"
version=$(cmake --version | sed -n 's/^cmake version //p')
if [ "$(printf '%s\n' 3.25 "$version" | sort -V | head -n 1)" != 3.25 ]; then
  echo "setup: CMake $version is too old, lucid needs 3.25 or later: pip install cmake" >&2
  exit 2
fi
