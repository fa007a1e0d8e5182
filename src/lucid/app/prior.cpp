// SPDX-License-Identifier: Apache-2.0
// Opening the prior of a run: paths, adapters with their scales, the ControlNet.
#include "lucid/app/prior.h"

#include <spdlog/spdlog.h>

#include <charconv>
#include <optional>

#include "lucid/base/error.h"
#include "lucid/tensor/freeze.h"
#include "lucid/text_to_image/lora.h"
#include "lucid/text_to_image/single_file.h"
#include "lucid/text_to_image/textual_inversion.h"

namespace lucid::app {
namespace fs = std::filesystem;
namespace {

bool is_file(const fs::path& path) {
  std::error_code none;
  return fs::is_regular_file(path, none);
}

fs::path prior_path(const RunOptions& options) {
  if (options.model_key.empty()) return embedded_prior();
  const fs::path path = options.model_key;
  std::error_code none;
  if (!fs::is_directory(path, none) && !is_file(path)) {
    throw UserError(
        {.what_happened = fmt::format("'{}' is not on this machine; lucid downloads nothing", options.model_key),
         .key = "model_key",
         .hint = "--prior names a folder in diffusers layout of Stable Diffusion 1.x, 2.x or SDXL, or one file"});
  }
  return path;
}

text_to_image::Prior load(const RunOptions& options) {
  const fs::path path = prior_path(options);
  std::optional<diffusion::Prediction> prediction;
  if (options.prediction_type != "auto") {
    prediction = options.prediction_type == "epsilon" ? diffusion::Prediction::kEpsilon : diffusion::Prediction::kV;
  }
  const nn::WeightDtypes types = weight_types(options);
  if (!fs::is_directory(path)) {
    return text_to_image::load_single_file(path, {.merges = data_folder() / "models/clip/merges.txt.gz",
                                                  .configs = options.prior_config,
                                                  .prediction = prediction,
                                                  .dtypes = types});
  }
  text_to_image::Prior prior = text_to_image::load_prior(path, types);
  if (prediction) {
    diffusion::ScheduleConfig config = prior.schedule.config();
    config.prediction = *prediction;
    prior.schedule = diffusion::Schedule(config);
  }
  return prior;
}

std::vector<std::string> parts_of(const std::string& list) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

struct ScaledFile {
  fs::path file;
  double scale = 1;
};

/// FILE or FILE:SCALE.
ScaledFile scaled_file(const std::string& text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos || colon + 1 == text.size()) return {.file = text};
  double scale = 0;
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), scale);
  if (error != std::errc() || end != text.data() + text.size()) return {.file = text};
  return {.file = text.substr(0, colon), .scale = scale};
}

void add_inversion(const text_to_image::Inversion& inversion, const std::string& prompt, text_to_image::Prior& prior) {
  text_to_image::add_inversion(inversion, prior);
  if (prompt.find(inversion.token) == std::string::npos) {
    spdlog::warn("the prompt does not use the word {} of {}", inversion.token, inversion.file.string());
  }
}

}  // namespace

void check_score_suits(const RunOptions& options, const text_to_image::Prior& prior) {
  const bool sees = prior.unet->config().sees_picture();
  if (sees == options.train.score.instructed()) return;
  if (sees) {
    throw UserError({.what_happened = "is InstructPix2Pix, which obeys instructions about a picture",
                     .file = prior.folder.string(),
                     .hint = "lucid edit ASSET --score ip2p --to \"make it red\""});
  }
  throw UserError({.what_happened = fmt::format("sees no picture beside its {} channels of latents, as ip2p needs",
                                                prior.unet->config().in_channels),
                   .file = prior.folder.string(),
                   .hint = "--prior DIR of an InstructPix2Pix model; or --score dds"});
}

text_to_image::Prior open_prior(const RunOptions& options) {
  text_to_image::Prior prior = load(options);
  for (const std::string& text : parts_of(options.lora_path)) {
    const auto [file, scale] = scaled_file(text);
    const text_to_image::Lora lora = text_to_image::read_lora(file, prior);
    text_to_image::apply_lora(lora, scale, prior);
    for (const auto& [word, vector] : lora.tokens) {  // PTI files hold words beside the layers
      add_inversion({.file = file, .token = word, .vectors = vector.reshape({-1, vector.size(-1)})}, options.text,
                    prior);
    }
    prior.weight_files.push_back(file);
  }
  for (const std::string& text : parts_of(options.textual_inversion_path)) {
    const size_t equals = text.find('=');
    const bool named = equals != std::string::npos && !fs::exists(text);
    const fs::path file = named ? text.substr(equals + 1) : text;
    for (const text_to_image::Inversion& inversion :
         text_to_image::read_inversions(file, named ? text.substr(0, equals) : std::string())) {
      add_inversion(inversion, options.text, prior);
    }
    prior.weight_files.push_back(file);
  }
  if (is_file(options.controlnet)) {
    prior.weight_files.emplace_back(options.controlnet);
  } else if (!options.controlnet.empty()) {
    for (const fs::path& file : weights::part_files(options.controlnet, "diffusion_pytorch_model")) {
      prior.weight_files.push_back(file);
    }
  }
  const torch::Device device = device_of(options);
  prior.unet->to(device);
  prior.vae->to(device);
  prior.encoder->to(device);
  if (prior.second) {
    prior.second->text.encoder->to(device);
    prior.second->text.projection = prior.second->text.projection.to(device);
  }
  return prior;
}

diffusion::Control open_control(const RunOptions& options, const text_to_image::Prior& prior) {
  if (options.controlnet.empty()) return {};
  if (prior.unet->config().vector_width > 0) {  // the text encoders may be gone by now
    throw UserError({.what_happened = "a ControlNet is given, and the prior is SDXL, for which lucid has none",
                     .key = "controlnet",
                     .hint = "leave it out, or use a prior of Stable Diffusion 1.x or 2.x"});
  }
  const nn::WeightDtypes types = weight_types(options);
  const bool one_file = is_file(options.controlnet);
  diffusion::ControlNet net = one_file
                                  ? diffusion::load_control_net_file(options.controlnet, prior.unet->config(), types)
                                  : diffusion::load_control_net(options.controlnet, types);
  const auto refuse = [&](const char* key, int64_t has, int64_t needs) {
    if (has == needs) return;
    throw UserError(UserMistake{.what_happened = fmt::format("is {}, the prior's U-Net has {}", has, needs),
                                .file = (one_file ? options.controlnet : options.controlnet + "/config.json"),
                                .key = key,
                                .hint = "the ControlNet was made for another model"});
  };
  const auto &ours = net->config().unet, &unet = prior.unet->config();
  refuse("in_channels", ours.in_channels, unet.in_channels);
  refuse("cross_attention_dim", ours.cross_attention_dim, unet.cross_attention_dim);
  refuse("layers_per_block", ours.layers_per_block, unet.layers_per_block);
  refuse("block_out_channels", static_cast<int64_t>(ours.block_out_channels.size()),
         static_cast<int64_t>(unet.block_out_channels.size()));
  for (size_t i = 0; i < unet.block_out_channels.size(); ++i) {
    refuse("block_out_channels", ours.block_out_channels[i], unet.block_out_channels[i]);
  }
  const int64_t shrinks = int64_t{1} << (net->config().embedding_channels.size() - 1);
  refuse("conditioning_embedding_out_channels", shrinks, prior.vae->config().downscale());
  refuse("conditioning_channels", net->config().conditioning_channels, 3);
  net->to(device_of(options));
  return {.net = tensor::freeze(net), .scale = options.controlnet_scale};
}

}  // namespace lucid::app
