// SPDX-License-Identifier: Apache-2.0
// What unet/config.json of a diffusers folder says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace lucid::diffusion {

struct UNetConfig {
  int64_t in_channels = 4, out_channels = 4;
  std::vector<int64_t> block_out_channels = {320, 640, 1280, 1280};
  std::vector<std::string> down_block_types, up_block_types;
  int64_t layers_per_block = 2;
  std::vector<int64_t>
      heads_per_block;  // config's `attention_head_dim`, which for these models means the NUMBER of heads
  int64_t cross_attention_dim = 768;
  bool use_linear_projection = false;
  int64_t norm_num_groups = 32;
  double norm_eps = 1e-5;
  static UNetConfig from_file(
      const std::filesystem::path& config_json);  // throws UserError on what it does not support
};

}  // namespace lucid::diffusion
