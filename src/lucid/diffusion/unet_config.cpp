// SPDX-License-Identifier: Apache-2.0
// unet/config.json: defaults as in diffusers; what this U-Net cannot do is refused by name.
#include "lucid/diffusion/unet_config.h"

#include "lucid/diffusion/json_config.h"

namespace lucid::diffusion {
namespace {

constexpr int64_t kMaxChannels = 65536, kMaxBlocks = 16;

void refuse_what_is_not_supported(const JsonConfig& json) {
  for (const char* key : {"class_embed_type", "num_class_embeds", "addition_embed_type", "encoder_hid_dim",
                          "encoder_hid_dim_type", "time_cond_proj_dim", "timestep_post_act", "time_embedding_act_fn",
                          "time_embedding_dim", "cross_attention_norm", "reverse_transformer_layers_per_block"}) {
    json.must_be(key, nullptr);
  }
  for (const char* key : {"center_input_sample", "dual_cross_attention", "only_cross_attention", "resnet_skip_time_act",
                          "class_embeddings_concat"}) {
    json.must_be(key, false);
  }
  for (const char* key : {"mid_block_scale_factor", "resnet_out_scale_factor"}) json.must_be(key, 1.0);
  json.must_be("transformer_layers_per_block", 1);
  json.must_be("resnet_time_scale_shift", "default");
  json.must_be("time_embedding_type", "positional");
  json.must_be("attention_type", "default");
  json.must_be("act_fn", "silu");
  json.must_be("flip_sin_to_cos", true);
  json.must_be("freq_shift", 0);
  json.must_be("conv_in_kernel", 3);
  json.must_be("conv_out_kernel", 3);
  json.must_be("downsample_padding", 1);
  json.must_be("mid_block_type", "UNetMidBlock2DCrossAttn");
}

}  // namespace

UNetConfig UNetConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  refuse_what_is_not_supported(json);
  UNetConfig config;
  config.in_channels = json.whole("in_channels", 4, 1, kMaxChannels);
  config.out_channels = json.whole("out_channels", 4, 1, kMaxChannels);
  config.block_out_channels = json.wholes("block_out_channels", config.block_out_channels, 1, kMaxChannels);
  const size_t blocks = config.block_out_channels.size();
  if (blocks == 0 || blocks > kMaxBlocks) json.refuse("block_out_channels", "has an impossible length");
  const std::string cross_down = "CrossAttnDownBlock2D", cross_up = "CrossAttnUpBlock2D";
  config.down_block_types =
      json.get<std::vector<std::string>>("down_block_types", {cross_down, cross_down, cross_down, "DownBlock2D"});
  config.up_block_types =
      json.get<std::vector<std::string>>("up_block_types", {"UpBlock2D", cross_up, cross_up, cross_up});
  if (config.down_block_types.size() != blocks)
    json.refuse("down_block_types", "does not match block_out_channels in length");
  if (config.up_block_types.size() != blocks)
    json.refuse("up_block_types", "does not match block_out_channels in length");
  for (const std::string& type : config.down_block_types) {
    if (type != cross_down && type != "DownBlock2D")
      json.refuse("down_block_types", "holds a block that is not supported");
  }
  for (const std::string& type : config.up_block_types) {
    if (type != cross_up && type != "UpBlock2D") json.refuse("up_block_types", "holds a block that is not supported");
  }
  config.layers_per_block = json.whole("layers_per_block", 2, 1, 16);
  // For these models `attention_head_dim` has always meant the number of heads; `num_attention_heads` overrides it.
  const char* heads = json.given("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
  config.heads_per_block = json.is_array(heads) ? json.wholes(heads, {}, 1, 1024)
                                                : std::vector<int64_t>(blocks, json.whole(heads, 8, 1, 1024));
  if (config.heads_per_block.size() != blocks) json.refuse(heads, "does not match block_out_channels in length");
  config.cross_attention_dim = json.whole("cross_attention_dim", 1280, 1, kMaxChannels);
  config.use_linear_projection = json.get<bool>("use_linear_projection", false);
  config.norm_num_groups = json.whole("norm_num_groups", 32, 1, 1024);
  config.norm_eps = json.get<double>("norm_eps", 1e-5);
  for (size_t i = 0; i < blocks; ++i) {
    const int64_t channels = config.block_out_channels[i];
    if (channels % config.norm_num_groups != 0)
      json.refuse("norm_num_groups", fmt::format("does not divide {} channels", channels));
    if (channels % config.heads_per_block[i] != 0)
      json.refuse(heads, fmt::format("does not divide {} channels", channels));
  }
  return config;
}

}  // namespace lucid::diffusion
