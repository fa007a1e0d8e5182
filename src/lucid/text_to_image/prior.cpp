// SPDX-License-Identifier: Apache-2.0
// Loads a diffusers folder part by part, and embeds prompts.
#include "lucid/text_to_image/prior.h"

#include <algorithm>
#include <iterator>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/tensor/freeze.h"
#include "lucid/text_to_image/prior_checks.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text_to_image {
namespace {

namespace fs = std::filesystem;

void require(const fs::path& folder, const char* part) {
  const fs::path file = folder / part;
  if (fs::is_regular_file(file)) return;
  throw UserError(UserMistake{.what_happened = "is missing",
                              .file = file.string(),
                              .hint = "a prior is a diffusers folder; `lucid prior check` names all that one lacks"});
}

}  // namespace

int64_t sample_size(const fs::path& file) {
  const JsonConfig json(file);
  const std::vector<int64_t> size = json.is_list("sample_size")
                                        ? json.positives("sample_size", {})
                                        : std::vector<int64_t>(2, json.positive("sample_size", 0));
  if (size.size() != 2 || size[0] != size[1] || size[0] == 0) {
    json.refuse("sample_size", "must be a positive number (square pictures)");
  }
  return size[0];
}

void check_compatible(const Prior& prior, const fs::path& file) {
  const auto check = [&](const char* part, const char* key, int64_t unet_has, int64_t part_has) {
    if (unet_has == part_has) return;
    throw UserError(UserMistake{.what_happened = fmt::format("the U-Net has {}, {} gives {}", unet_has, part, part_has),
                                .file = file.string(),
                                .key = key,
                                .hint = "the parts come from different models"});
  };
  const auto& unet = prior.unet->config();
  check("the text encoder", "cross_attention_dim", unet.cross_attention_dim, prior.encoder->config().hidden_size);
  check("the VAE", "out_channels", unet.out_channels, prior.vae->config().latent_channels);
}

Prior load_prior(const fs::path& folder, const nn::WeightDtypes& dtypes) {
  if (!fs::is_directory(folder)) {
    throw UserError(UserMistake{.what_happened = "is not a folder",
                                .file = folder.string(),
                                .hint = "a prior is a diffusers folder, which holds a model_index.json"});
  }
  for (const char* part : kPriorFiles) require(folder, part);
  std::vector<fs::path> weight_files;
  for (const auto& [part, stem] : {std::pair("text_encoder", "model"), std::pair("unet", "diffusion_pytorch_model"),
                                   std::pair("vae", "diffusion_pytorch_model")}) {
    std::ranges::copy(weights::part_files(folder / part, stem), std::back_inserter(weight_files));
  }
  Prior prior{
      .tokenizer = text::Tokenizer::from_folder(folder / "tokenizer"),
      .encoder = tensor::freeze(text::load_encoder(folder / "text_encoder")),
      .unet = tensor::freeze(diffusion::load_unet(folder / "unet", dtypes)),
      .vae = tensor::freeze(diffusion::load_vae(folder / "vae", dtypes)),
      .schedule =
          diffusion::Schedule(diffusion::ScheduleConfig::from_file(folder / "scheduler" / "scheduler_config.json")),
      .folder = folder,
      .weight_files = weight_files,
  };
  check_compatible(prior, folder / "unet/config.json");
  prior.picture_size = sample_size(folder / "unet" / "config.json") * prior.vae->config().downscale();
  return prior;
}

std::string expand_tokens(const Prior& prior, const std::string& text) {
  std::string result = text;
  for (const auto& [word, spelling] : prior.token_expansions) {
    for (size_t at = result.find(word); at != std::string::npos; at = result.find(word, at + spelling.size())) {
      result.replace(at, word.size(), spelling);
    }
  }
  return result;
}

torch::Tensor embed(const Prior& prior, const std::string& text) {
  const torch::NoGradGuard no_grad;
  text::Encoder encoder = prior.encoder;  // a copy of the handle, because forward() is not const
  const std::vector<int64_t> ids =
      prior.tokenizer.encode_padded(expand_tokens(prior, text), encoder->config().positions);
  const torch::Device device = encoder->parameters().front().device();
  return encoder->forward(torch::tensor(ids, torch::kLong).unsqueeze(0).to(device));
}

namespace {

ViewPrompts prompts_at(const ViewAnchors& anchors, const Prior& prior, const std::string& text,
                       const std::string& negative, const std::string& inverse_text) {
  std::vector<torch::Tensor> embeddings;  // [1,L,D] each
  for (const ViewAnchor& anchor : anchors.anchors()) embeddings.push_back(embed(prior, text + anchor.words));
  return {anchors, torch::cat(embeddings), embed(prior, negative), embed(prior, inverse_text)};
}

}  // namespace

ViewPrompts view_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                         const std::string& inverse_text) {
  return prompts_at(ViewAnchors::of_prior(prior.folder), prior, text, negative, inverse_text);
}

ViewPrompts plain_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                          const std::string& inverse_text) {
  return prompts_at(ViewAnchors({ViewAnchor{}}), prior, text, negative, inverse_text);
}

}  // namespace lucid::text_to_image
