// SPDX-License-Identifier: Apache-2.0
// Reads unet/config.json of diffusers' layout and of MVDream's port. A key that would change the network and is not
// implemented is an error that names it.
#include <fmt/format.h>

#include <algorithm>

#include "lucid/diffusion/unet_config.h"
#include "lucid/json/json_config.h"

namespace lucid::diffusion {
namespace {

constexpr int64_t kMostBlocks = 64;                            // far above any model's
constexpr const char* kMultiViewClass = "MultiViewUNetModel";  // `_class_name` of MVDream's port to diffusers

void refuse_unsupported(const JsonConfig& json) {
  json.none_of({"class_embed_type", "num_class_embeds", "encoder_hid_dim", "encoder_hid_dim_type", "time_cond_proj_dim",
                "time_embedding_dim", "time_embedding_act_fn", "timestep_post_act", "cross_attention_norm",
                "reverse_transformer_layers_per_block"});
  json.only("act_fn", "silu");
  json.only("attention_type", "default");
  json.only("center_input_sample", false);
  json.only("class_embeddings_concat", false);
  json.only("conv_in_kernel", 3);
  json.only("conv_out_kernel", 3);
  json.only("downsample_padding", 1);
  json.only("dual_cross_attention", false);
  json.only("flip_sin_to_cos", true);
  json.only("freq_shift", 0);
  json.only("mid_block_only_cross_attention", false);
  json.only("mid_block_scale_factor", 1);
  json.only("only_cross_attention", false);
  json.only("resnet_out_scale_factor", 1);
  json.only("resnet_skip_time_act", false);
  json.only("resnet_time_scale_shift", "default");
  json.only("time_embedding_type", "positional");
  // upcast_attention and dropout change nothing here: scores are computed in the weights' dtype, and dropout only
  // trains.
}

// Files name the number of heads `attention_head_dim`, an old mistake of diffusers, or `num_attention_heads`.
std::vector<int64_t> read_heads(const JsonConfig& json, const std::vector<int64_t>& widths) {
  const char* key = json.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
  std::vector<int64_t> heads =
      json.is_list(key) ? json.positives(key, {}) : std::vector<int64_t>(widths.size(), json.positive(key, 8));
  if (heads.size() != widths.size()) {
    json.refuse(key, fmt::format("must have one number for each of {} blocks", widths.size()));
  }
  for (size_t level = 0; level < widths.size(); ++level) {
    if (widths[level] % heads[level] != 0) {
      json.refuse(key, fmt::format("must divide the width of block {}, {}", level, widths[level]));
    }
  }
  return heads;
}

void read_block_types(const JsonConfig& json, const std::string& key, const std::string& direction,
                      std::vector<std::string>& types, size_t levels) {
  types = json.texts(key, types);
  const std::string plain = direction + "Block2D", with_attention = "CrossAttn" + plain;
  for (const std::string& type : types) {
    if (type == plain || type == with_attention) continue;
    json.refuse(key, fmt::format("has a block that is not supported: only {} and {} are", with_attention, plain));
  }
  if (types.size() != levels) json.refuse(key, fmt::format("must name as many blocks as there are widths, {}", levels));
}

/// A number for each level: one for all, or a list.
std::vector<int64_t> read_depths(const JsonConfig& json, size_t levels) {
  const char* key = "transformer_layers_per_block";
  std::vector<int64_t> depths =
      json.is_list(key) ? json.positives(key, {}) : std::vector<int64_t>(levels, json.positive(key, 1));
  if (depths.size() != levels) json.refuse(key, fmt::format("must have one number for each of {} blocks", levels));
  for (const int64_t depth : depths) {
    if (depth > kMostBlocks) json.refuse(key, fmt::format("has more than {} transformer blocks", kMostBlocks));
  }
  return depths;
}

/// SDXL's added vector; other models have none.
void read_vector(const JsonConfig& json, UNetConfig& config) {
  const char *kind = "addition_embed_type", *width = "projection_class_embeddings_input_dim",
             *size_width = "addition_time_embed_dim";
  if (!json.has(kind)) return json.none_of({width, size_width});
  json.only(kind, "text_time");
  config.size_width = json.positive(size_width, 256);
  config.vector_width = json.positive(width, 2816);
  if (config.size_width % 2 != 0) json.refuse(size_width, "must be even: half of it is cosines, half sines");
  if (config.pooled_width() <= 0) {
    json.refuse(width, fmt::format("leaves no room for the pooled text beside {} sizes of {} numbers",
                                   UNetConfig::kSizeNumbers, config.size_width));
  }
}

/// Keys of MVDream's port that would change its network.
void refuse_other_multi_view(const JsonConfig& json) {
  if (json.integer("ip_dim", 0) > 0) {
    json.refuse("ip_dim", "is that of ImageDream, which is not supported",
                "ImageDream draws from a picture; MVDream draws from a text alone");
  }
  json.none_of({"num_classes", "n_embed", "num_attention_blocks", "adm_in_channels"});
  json.only("dims", 2);
  json.only("conv_resample", true);
  json.only("use_scale_shift_norm", false);
  json.only("resblock_updown", false);
  json.only("transformer_depth", 1);
}

/// Reads `camera_dim`, and sets the number of joint views.
void read_cameras(const JsonConfig& json, UNetConfig& config) {
  config.camera_dim = json.positive("camera_dim", 0);
  if (config.camera_dim != kCameraNumbers) {
    json.refuse("camera_dim", fmt::format("must be {}: a camera is a matrix of 4 x 4", kCameraNumbers));
  }
  config.views = kJointViews;
}

/// unet/config.json of MVDream's port to diffusers, which has latent-diffusion's keys.
UNetConfig read_multi_view_config(const JsonConfig& json) {
  refuse_other_multi_view(json);
  UNetConfig config;
  config.in_channels = json.positive("in_channels", config.in_channels);
  config.out_channels = json.positive("out_channels", config.out_channels);
  if (config.in_channels != config.out_channels) json.refuse("in_channels", "must equal out_channels");
  config.layers_per_block = json.positive("num_res_blocks", 2);
  config.cross_attention_dim = json.positive("context_dim", 1024);
  config.use_linear_projection = true;

  const int64_t width = json.positive("model_channels", 320), head = json.positive("num_head_channels", 64);
  const std::vector<int64_t> with_attention = json.positives("attention_resolutions", {4, 2, 1});
  config.block_out_channels.clear();
  config.heads_per_block.clear();
  config.down_block_types.clear();
  config.up_block_types.clear();
  int64_t downscale = 1;  // attention_resolutions are factors of the side
  for (const int64_t factor : json.positives("channel_mult", {1, 2, 4, 4})) {
    if (factor > JsonConfig::kMaxCount / width || downscale > JsonConfig::kMaxCount)
      json.refuse("channel_mult", "makes a network too large");
    const int64_t channels = width * factor;
    if (channels % head != 0) {
      json.refuse("num_head_channels", fmt::format("must divide the width of each level, also {}", channels));
    }
    config.block_out_channels.push_back(channels);
    config.heads_per_block.push_back(channels / head);
    const bool attends = std::ranges::find(with_attention, downscale) != with_attention.end();
    config.down_block_types.push_back(attends ? "CrossAttnDownBlock2D" : "DownBlock2D");
    config.up_block_types.insert(config.up_block_types.begin(), attends ? "CrossAttnUpBlock2D" : "UpBlock2D");
    downscale *= 2;
  }
  if (std::ranges::any_of(config.block_out_channels, [&](int64_t c) { return c % config.norm_num_groups != 0; })) {
    json.refuse("model_channels",
                fmt::format("must be a multiple of {}, the groups of its norms", config.norm_num_groups));
  }
  read_cameras(json, config);
  return config;
}

}  // namespace

UNetConfig UNetConfig::from_file(const std::filesystem::path& config_json) {
  const JsonConfig json(config_json);
  if (json.text("_class_name", "") == kMultiViewClass) return read_multi_view_config(json);
  json.only("_class_name", "UNet2DConditionModel");
  UNetConfig config = down_path_from(json);
  config.out_channels = json.positive("out_channels", config.out_channels);
  if (config.out_channels != config.in_channels && !config.sees_picture()) {
    json.refuse("in_channels",
                fmt::format("must be out_channels, {}, or twice that, as of InstructPix2Pix", config.out_channels),
                "inpainting and variance-predicting U-Nets are not supported");
  }
  read_block_types(json, "up_block_types", "Up", config.up_block_types, config.block_out_channels.size());
  read_vector(json, config);
  if (json.has("camera_dim")) read_cameras(json, config);  // lucid's own key
  return config;
}

UNetConfig UNetConfig::down_path_from(const JsonConfig& json) {
  refuse_unsupported(json);
  UNetConfig config;
  config.in_channels = json.positive("in_channels", config.in_channels);
  config.block_out_channels = json.positives("block_out_channels", config.block_out_channels);
  read_block_types(json, "down_block_types", "Down", config.down_block_types, config.block_out_channels.size());

  const std::string mid =
      json.text("mid_block_type", json.has_null("mid_block_type") ? "null" : "UNetMidBlock2DCrossAttn");
  if (mid != "UNetMidBlock2DCrossAttn" && mid != "UNetMidBlock2D") {
    json.refuse("mid_block_type", "is not supported: only UNetMidBlock2DCrossAttn and UNetMidBlock2D are");
  }
  config.mid_cross_attention = mid == "UNetMidBlock2DCrossAttn";
  config.layers_per_block = json.positive("layers_per_block", config.layers_per_block);
  config.heads_per_block = read_heads(json, config.block_out_channels);
  config.transformer_depths = read_depths(json, config.block_out_channels.size());
  config.cross_attention_dim = json.positive("cross_attention_dim", config.cross_attention_dim);
  config.use_linear_projection = json.boolean("use_linear_projection", config.use_linear_projection);
  config.norm_num_groups = json.groups("norm_num_groups", config.norm_num_groups, config.block_out_channels);
  config.norm_eps = json.number("norm_eps", config.norm_eps);
  if (config.norm_eps <= 0) json.refuse("norm_eps", "must be positive");
  if (config.block_out_channels[0] % 2 != 0) {
    json.refuse("block_out_channels", "must start with an even width: half of it is cosines, half sines");
  }
  return config;
}

}  // namespace lucid::diffusion
