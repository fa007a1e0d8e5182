// SPDX-License-Identifier: Apache-2.0
// Reads vae/config.json. A key that would change the network and is not implemented is an error that names it.
#include "lucid/diffusion/vae_config.h"

#include <fmt/format.h>

#include "lucid/json/json_config.h"

namespace lucid::diffusion {

VaeConfig VaeConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  json.only("_class_name", "AutoencoderKL");
  json.none_of({"latents_mean", "latents_std"});
  json.only("act_fn", "silu");
  json.only("mid_block_add_attention", true);
  json.only("shift_factor", 0);
  json.only("use_quant_conv", true);
  json.only("use_post_quant_conv", true);
  json.only("down_block_types", "DownEncoderBlock2D");
  json.only("up_block_types", "UpDecoderBlock2D");
  // force_upcast asks for float32 where float16 overflows; which dtype runs is the caller's choice.

  VaeConfig config;
  json.only("in_channels", config.in_channels);
  json.only("out_channels", config.out_channels);
  config.latent_channels = json.positive("latent_channels", config.latent_channels);
  // diffusers' default is one block of 64 channels; every Stable Diffusion file sets the key.
  config.block_out_channels = json.positives("block_out_channels", {64});
  for (const auto& [key, type] :
       {std::pair{"down_block_types", "DownEncoderBlock2D"}, {"up_block_types", "UpDecoderBlock2D"}}) {
    if (json.texts(key, {type}).size() != config.block_out_channels.size()) {
      json.refuse(key,
                  fmt::format("must name as many blocks as there are widths, {}", config.block_out_channels.size()));
    }
  }
  config.layers_per_block = json.positive("layers_per_block", 1);
  config.norm_num_groups = json.groups("norm_num_groups", config.norm_num_groups, config.block_out_channels);
  config.scaling_factor = json.number("scaling_factor", config.scaling_factor);
  if (config.scaling_factor <= 0) json.refuse("scaling_factor", "must be positive");
  return config;
}

}  // namespace lucid::diffusion
