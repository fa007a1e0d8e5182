// SPDX-License-Identifier: Apache-2.0
// Derives network configs from tensor shapes, and assembles the prior.
#include "lucid/text_to_image/single_file.h"

#include <fmt/format.h>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"
#include "lucid/nn/load_module.h"
#include "lucid/tensor/freeze.h"
#include "lucid/text_to_image/prior_checks.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text_to_image {
namespace fs = std::filesystem;
namespace {

using weights::LdmParts;
using weights::StateDict;

/// Shapes of the tensors of one part (U-Net, VAE or text encoder), by name. Throws UserError for missing tensors.
class Shapes {
 public:
  explicit Shapes(const StateDict& part) : part_(part) {}
  bool has(const std::string& name) const { return part_.tensors.contains(name); }
  int64_t axes(const std::string& name) const { return get(name).dim(); }
  int64_t size(const std::string& name, int64_t axis) const {
    const torch::Tensor& tensor = get(name);
    if (axis >= tensor.dim() || tensor.size(axis) < 1) refuse(name, "has an unexpected shape");
    return tensor.size(axis);
  }
  /// Counts the consecutive names that exist with 0, 1, ... in place of {}.
  int64_t count(const std::string& pattern) const {
    int64_t n = 0;
    while (has(fmt::format(fmt::runtime(pattern), n))) ++n;
    return n;
  }
  [[noreturn]] void refuse(const std::string& name, const std::string& what) const {
    throw UserError(UserMistake{.what_happened = what,
                                .file = part_.file.string(),
                                .key = name,
                                .hint = "a Stable Diffusion 1.x, 2.x or SDXL checkpoint was expected"});
  }

 private:
  const torch::Tensor& get(const std::string& name) const {
    const auto it = part_.tensors.find(name);
    if (it == part_.tensors.end()) refuse(name, "is missing");
    return it->second;
  }
  const StateDict& part_;
};

constexpr double kXlScalingFactor = 0.13025;

/// Throws UserError if the assumed numbers of groups and heads do not divide the widths: it is another model.
void check_standard_widths(const fs::path& file, const std::vector<int64_t>& widths, int64_t groups,
                           const std::vector<int64_t>& heads) {
  for (size_t i = 0; i < widths.size(); ++i) {
    if (widths[i] % groups == 0 && (heads.empty() || widths[i] % heads[i] == 0)) continue;
    throw UserError(
        UserMistake{.what_happened = fmt::format("has {} channels at level {}, unlike Stable Diffusion", widths[i], i),
                    .file = file.string(),
                    .hint = "--prior_config DIR names a folder with this model's config.json files"});
  }
}

}  // namespace

diffusion::ScheduleConfig stable_diffusion_schedule(diffusion::Prediction prediction) {
  return {.steps_offset = 1,
          .beta_start = 0.00085,
          .beta_end = 0.012,
          .beta_schedule = "scaled_linear",
          .set_alpha_to_one = false,
          .prediction = prediction};
}

diffusion::UNetConfig unet_config_of(const LdmParts& parts) {
  const Shapes shapes(parts.unet);
  diffusion::UNetConfig config;
  config.in_channels = shapes.size("conv_in.weight", 1);
  config.out_channels = shapes.size("conv_out.weight", 0);
  if (config.in_channels != config.out_channels && !config.sees_picture()) {
    shapes.refuse("conv_in.weight", fmt::format("takes {} channels and gives {}: an inpainting or depth model",
                                                config.in_channels, config.out_channels));
  }
  const int64_t levels = shapes.count("down_blocks.{}.resnets.0.conv1.weight");
  config.layers_per_block = shapes.count("down_blocks.0.resnets.{}.conv1.weight");
  config.block_out_channels.clear();
  config.down_block_types.clear();
  config.up_block_types.clear();
  config.heads_per_block.clear();
  config.transformer_depths.clear();
  const std::string attention = "attentions.0.transformer_blocks.0.attn2.to_k.weight";
  for (int64_t i = 0; i < levels; ++i) {
    const int64_t width = shapes.size(fmt::format("down_blocks.{}.resnets.0.conv1.weight", i), 0);
    config.block_out_channels.push_back(width);
    config.heads_per_block.push_back(parts.open_clip || parts.xl ? std::max<int64_t>(width / 64, 1) : 8);
    const std::string blocks = fmt::format("down_blocks.{}.attentions.0.transformer_blocks.", i);
    config.transformer_depths.push_back(std::max<int64_t>(shapes.count(blocks + "{}.attn2.to_k.weight"), 1));
    const auto is_there = [&](const char* side) {
      return shapes.has(fmt::format("{}_blocks.{}.{}", side, i, attention));
    };
    config.down_block_types.push_back(is_there("down") ? "CrossAttnDownBlock2D" : "DownBlock2D");
    config.up_block_types.push_back(is_there("up") ? "CrossAttnUpBlock2D" : "UpBlock2D");
  }
  if (levels == 0) shapes.refuse("down_blocks.0.resnets.0.conv1.weight", "is missing");
  config.cross_attention_dim = shapes.size("mid_block." + attention, 1);
  config.use_linear_projection = shapes.axes("mid_block.attentions.0.proj_in.weight") == 2;
  if (parts.xl) {
    config.vector_width = shapes.size("add_embedding.linear_1.weight", 1);
    const int64_t pooled = parts.projection.defined() ? parts.projection.size(0) : 0,
                  sizes = diffusion::UNetConfig::kSizeNumbers;
    config.size_width = (config.vector_width - pooled) / sizes;
    if (pooled == 0 || config.size_width < 2 || config.size_width % 2 != 0 || config.pooled_width() != pooled) {
      shapes.refuse("add_embedding.linear_1.weight",
                    fmt::format("takes {} numbers, which are not a pooled text of {} and {} embedded sizes",
                                config.vector_width, pooled, sizes));
    }
  }
  if (const std::string camera = "camera_embedding.linear_1.weight"; shapes.has(camera)) {
    config.camera_dim = shapes.size(camera, 1);
    config.views = diffusion::kJointViews;
    if (config.camera_dim != diffusion::kCameraNumbers)
      shapes.refuse(camera, fmt::format("takes {} numbers; a camera is a matrix of 4 x 4", config.camera_dim));
  }
  return config;
}

diffusion::VaeConfig vae_config_of(const LdmParts& parts) {
  const Shapes shapes(parts.vae);
  diffusion::VaeConfig config;
  config.in_channels = shapes.size("encoder.conv_in.weight", 1);
  config.out_channels = shapes.size("decoder.conv_out.weight", 0);
  config.latent_channels = shapes.size("post_quant_conv.weight", 0);
  config.layers_per_block = shapes.count("encoder.down_blocks.0.resnets.{}.conv1.weight");
  config.block_out_channels.clear();
  for (int64_t i = 0; i < shapes.count("encoder.down_blocks.{}.resnets.0.conv1.weight"); ++i) {
    config.block_out_channels.push_back(
        shapes.size(fmt::format("encoder.down_blocks.{}.resnets.0.conv1.weight", i), 0));
  }
  if (config.block_out_channels.empty()) shapes.refuse("encoder.down_blocks.0.resnets.0.conv1.weight", "is missing");
  return config;
}

namespace {

text::EncoderConfig text_config_of(const StateDict& part, bool open_clip) {
  const Shapes shapes(part);
  const std::string model = "text_model.";
  text::EncoderConfig config;
  config.vocab_size = shapes.size(model + "embeddings.token_embedding.weight", 0);
  config.hidden_size = shapes.size(model + "embeddings.token_embedding.weight", 1);
  config.positions = shapes.size(model + "embeddings.position_embedding.weight", 0);
  config.layers = shapes.count(model + "encoder.layers.{}.mlp.fc1.weight");
  config.intermediate_size = shapes.size(model + "encoder.layers.0.mlp.fc1.weight", 0);
  config.heads = std::max<int64_t>(config.hidden_size / 64, 1);
  config.activation = open_clip ? "gelu" : "quick_gelu";
  return config;
}

/// SDXL's second text encoder; none for another model.
std::optional<SecondText> second_text_of(LdmParts& parts, const SingleFileOptions& options) {
  if (!parts.xl) return std::nullopt;
  const fs::path& configs = options.configs;
  const bool own = configs.empty();
  const auto config =
      own ? second_encoder_config_of(parts) : text::EncoderConfig::from_file(configs / "text_encoder_2/config.json");
  SecondText second{.tokenizer = own ? text::Tokenizer::from_merges_file(options.merges, /*sd2_padding=*/true)
                                     : text::Tokenizer::from_folder(configs / "tokenizer_2"),
                    .text = text::load_projecting_encoder(config, std::move(parts.text_2), parts.projection),
                    .zeros_for_empty = own || zeros_for_empty(configs / "model_index.json")};
  tensor::freeze(second.text.encoder);
  return second;
}

}  // namespace

text::EncoderConfig encoder_config_of(const LdmParts& parts) { return text_config_of(parts.text, parts.open_clip); }

text::EncoderConfig second_encoder_config_of(const LdmParts& parts) { return text_config_of(parts.text_2, true); }

diffusion::Prediction detect_prediction(diffusion::Denoiser& unet, int64_t channels,
                                        const torch::Tensor& empty_prompt) {
  constexpr int64_t kSide = 32, kLast = 999;
  const torch::NoGradGuard no_grad;
  Rng rng(0, "prediction probe");
  torch::Tensor noise = torch::empty({1, channels, kSide, kSide});
  rng.fill_normal(noise.data_ptr<float>(), static_cast<size_t>(noise.numel()));
  const torch::Tensor predicted = unet.predict(noise, torch::tensor({kLast}), empty_prompt);
  const double cosine = ((predicted * noise).sum() / (predicted.norm() * noise.norm() + 1e-12)).item<double>();
  return cosine > 0.5 ? diffusion::Prediction::kEpsilon : diffusion::Prediction::kV;
}

Prior load_single_file(const fs::path& file, const SingleFileOptions& options) {
  LdmParts parts = weights::split_ldm(weights::read_weights(file));
  const bool has_configs = !options.configs.empty();
  const fs::path& configs = options.configs;
  const auto unet_config =
      has_configs ? diffusion::UNetConfig::from_file(configs / "unet/config.json") : unet_config_of(parts);
  auto vae_config = has_configs ? diffusion::VaeConfig::from_file(configs / "vae/config.json") : vae_config_of(parts);
  if (!has_configs && parts.xl) vae_config.scaling_factor = kXlScalingFactor;
  if (!has_configs) {
    check_standard_widths(file, unet_config.block_out_channels, unet_config.norm_num_groups,
                          unet_config.heads_per_block);
    check_standard_widths(file, vae_config.block_out_channels, vae_config.norm_num_groups, {});
  }
  const auto unet = nn::load_module<diffusion::UNet>(unet_config, std::move(parts.unet), options.dtypes);
  const auto vae = nn::load_module<diffusion::Vae>(vae_config, std::move(parts.vae), options.dtypes);
  const auto encoder_config =
      has_configs ? text::EncoderConfig::from_file(configs / "text_encoder/config.json") : encoder_config_of(parts);
  const text::Encoder encoder = text::load_encoder(encoder_config, std::move(parts.text));
  auto tokenizer = has_configs ? text::Tokenizer::from_folder(configs / "tokenizer")
                               : text::Tokenizer::from_merges_file(options.merges, /*sd2_padding=*/parts.open_clip);
  auto schedule = has_configs ? diffusion::ScheduleConfig::from_file(configs / "scheduler/scheduler_config.json")
                              : stable_diffusion_schedule(diffusion::Prediction::kEpsilon);
  Prior prior{.tokenizer = std::move(tokenizer),
              .encoder = tensor::freeze(encoder),
              .unet = tensor::freeze(unet),
              .vae = tensor::freeze(vae),
              .schedule = diffusion::Schedule(schedule),
              .folder = file,
              .weight_files = {file},
              .second = second_text_of(parts, options)};
  check_compatible(prior, file);
  if (options.prediction) {
    schedule.prediction = *options.prediction;
  } else if (!has_configs && parts.open_clip && !unet_config.is_multi_view()) {  // MVDream predicts epsilon
    diffusion::UNetDenoiser denoiser(prior.unet, {.low_memory = true});          // for one answer
    schedule.prediction = detect_prediction(denoiser, prior.unet->config().in_channels, embed(prior, ""));
  }
  prior.schedule = diffusion::Schedule(schedule);
  // 2.x in velocities was trained on 768 pixels.
  constexpr int64_t kMultiView = 256, kSmall = 512, kLarge = 768, kXl = 1024;
  prior.picture_size = has_configs ? sample_size(configs / "unet/config.json") * prior.vae->config().downscale()
                       : parts.xl  ? kXl
                       : unet_config.is_multi_view()                      ? kMultiView
                       : schedule.prediction == diffusion::Prediction::kV ? kLarge
                                                                          : kSmall;
  return prior;
}

}  // namespace lucid::text_to_image
