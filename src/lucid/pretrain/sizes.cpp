// SPDX-License-Identifier: Apache-2.0
// The presets' sizes, the noise schedule, the view anchors of our priors.
#include "lucid/pretrain/sizes.h"

#include "lucid/base/error.h"

namespace lucid::pretrain {
namespace {

diffusion::UNetConfig unet_of(int64_t latent_channels, int64_t context, std::vector<int64_t> widths,
                              std::vector<int64_t> heads, int64_t groups) {
  diffusion::UNetConfig config;
  config.in_channels = config.out_channels = latent_channels;
  config.down_block_types.assign(widths.size(), "CrossAttnDownBlock2D");
  config.up_block_types.assign(widths.size(), "CrossAttnUpBlock2D");
  // No attention at full resolution: it would take 30 % of a step's time, and the level below sees the whole picture.
  config.down_block_types.front() = "DownBlock2D";
  config.up_block_types.back() = "UpBlock2D";
  config.block_out_channels = std::move(widths);
  config.heads_per_block = std::move(heads);
  config.layers_per_block = 1;
  config.cross_attention_dim = context;
  config.use_linear_projection = true;
  config.norm_num_groups = groups;
  return config;
}

}  // namespace

Sizes sizes_of(const std::string& preset) {
  Sizes s;
  if (preset == "default") {
    s.text = {.vocab_size = 0, .hidden_size = 128, .intermediate_size = 512, .layers = 3, .heads = 4};
    s.vae = {
        .latent_channels = 16, .block_out_channels = {16, 32, 64, 128}, .layers_per_block = 1, .norm_num_groups = 8};
    s.unet = unet_of(16, 128, {96, 160, 192}, {3, 5, 6}, 16);
    s.text_stage = {.steps = 800, .batch = 32, .optimiser = {.rate = 1e-3}, .ema_decay = 0.99};
    s.vae_stage = {.steps = 2500, .batch = 8, .optimiser = {.rate = 2e-3}, .ema_decay = 0.995};
    s.unet_stage = {.steps = 16000,
                    .batch = 32,
                    .rests = {6600, 11000},
                    .optimiser = {.rate = 1e-3, .weight_decay = 0.01},
                    .ema_decay = 0.9995};
    return s;
  }
  if (preset == "tiny") {
    s.text = {.vocab_size = 0, .hidden_size = 32, .intermediate_size = 64, .layers = 2, .heads = 2};
    s.vae = {.latent_channels = 4, .block_out_channels = {8, 16}, .layers_per_block = 1, .norm_num_groups = 4};
    s.unet = unet_of(4, 32, {16, 32}, {2, 2}, 4);
    s.text_stage = {.steps = 150, .batch = 16, .optimiser = {.rate = 5e-3}, .ema_decay = 0.9};
    s.vae_stage = {.steps = 40, .batch = 8, .optimiser = {.rate = 5e-3}, .ema_decay = 0.9};
    s.unet_stage = {.steps = 40, .batch = 16, .optimiser = {.rate = 3e-3}, .ema_decay = 0.9};
    s.vae_crop = 16;
    return s;
  }
  throw UserError(
      UserMistake{.what_happened = "no such preset: " + preset, .key = "--preset", .hint = "default or tiny"});
}

diffusion::ScheduleConfig noise_schedule() {
  // Stable Diffusion's beta_end is 0.012. Half a percent of the picture's variance is then left at the last timestep,
  // which is enough to see the object and its side: a network reads them there and ignores the prompt (Lin et al.
  // 2024).
  return {.steps_offset = 1,
          .beta_start = 0.00085,
          .beta_end = 0.02,
          .beta_schedule = "scaled_linear",
          .set_alpha_to_one = false};
}

text_to_image::ViewAnchors view_anchors() {
  constexpr double kAbove = 45;
  constexpr std::pair<double, const char*> kAround[] = {{0, "front"},        {45, "front right"}, {90, "right side"},
                                                        {135, "back right"}, {180, "back"},       {-135, "back left"},
                                                        {-90, "left side"},  {-45, "front left"}};
  std::vector<text_to_image::ViewAnchor> anchors;
  for (const auto& [azimuth, words] : kAround) {
    anchors.push_back({.azimuth = azimuth, .elevation = 0, .words = fmt::format(", {} view", words)});
    anchors.push_back({.azimuth = azimuth, .elevation = kAbove, .words = fmt::format(", {} view from above", words)});
  }
  return text_to_image::ViewAnchors(std::move(anchors));
}

}  // namespace lucid::pretrain
