#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian 12 packages that lucid needs to build, test and run. Does nothing if all are installed.
set -euo pipefail

packages=(
  # build
  g++ cmake ninja-build ccache pkg-config git ca-certificates
  # tensors, autograd, convolutions; OpenBLAS with OpenMP, because the pthread build competes with libtorch's OpenMP threads
  libtorch-dev libopenblas0-openmp
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
  # training data of the embedded prior: renders of 3D models (`lucid prior corpus`), and the models
  libzip-dev libtinyobjloader-dev libstb-dev sweethome3d-furniture
  # the page's server (Beast, Asio; headers only)
  libboost-dev
  # tests, benchmarks, format check
  libgtest-dev ffmpeg clang-format
)

exec "$(dirname "$0")/install_missing.sh" "${packages[@]}"
