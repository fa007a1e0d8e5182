// SPDX-License-Identifier: Apache-2.0
// Which family of models a prior is of, as far as its presets differ. Told without libtorch, from names in its files.
#pragma once

#include <filesystem>

namespace lucid::app {

/// Whether a diffusers folder or a single file is SDXL. False for what cannot be read.
bool is_xl_prior(const std::filesystem::path& prior);

}  // namespace lucid::app
