// SPDX-License-Identifier: Apache-2.0
// VaeConfig: sizes of an AutoencoderKL, read from its config.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace lucid::diffusion {

struct VaeConfig {
  int64_t in_channels = 3, out_channels = 3, latent_channels = 4;
  std::vector<int64_t> block_out_channels = {128, 256, 512, 512};
  int64_t layers_per_block = 2, norm_num_groups = 32;
  double scaling_factor = 0.18215;
  /// Absent keys take diffusers' defaults. Throws UserError, with file, key and value, on what is not supported.
  static VaeConfig from_file(const std::filesystem::path& config_json);
  int64_t downscale() const {
    return int64_t{1} << (block_out_channels.size() - 1);
  }  // pixels per latent along each axis
};

}  // namespace lucid::diffusion
