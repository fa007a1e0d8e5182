// SPDX-License-Identifier: Apache-2.0
// The sizes of an AutoencoderKL, as its config.json gives them.
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
  /// Throws UserError, with file, key and value, on what it does not support. Absent keys take diffusers' defaults.
  static VaeConfig from_file(const std::filesystem::path& config_json);
  int64_t downscale() const { return int64_t{1} << (block_out_channels.size() - 1); }  // picture pixels per latent
};

}  // namespace lucid::diffusion
