// SPDX-License-Identifier: Apache-2.0
// How far two files of the same kind are apart, in words.
#pragma once

#include <filesystem>
#include <string>

namespace lucid::app {

/// For Gaussians the largest differences of positions and opacities, for pictures dB; otherwise that they differ.
std::string difference_of(const std::filesystem::path& one, const std::filesystem::path& other);

}  // namespace lucid::app
