// SPDX-License-Identifier: Apache-2.0
// Loads a diffusers folder part by part, and embeds prompts.
#include "lucid/text_to_image/prior.h"

#include <algorithm>
#include <iterator>

#include "lucid/base/error.h"
#include "lucid/diffusion/unet_levels.h"
#include "lucid/json/json_config.h"
#include "lucid/tensor/freeze.h"
#include "lucid/text_to_image/describe_parts.h"
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
  const char* key = json.has("image_size") ? "image_size" : "sample_size";  // MVDream's port keeps the former
  const std::vector<int64_t> size =
      json.is_list(key) ? json.positives(key, {}) : std::vector<int64_t>(2, json.positive(key, 0));
  if (size.size() != 2 || size[0] != size[1] || size[0] == 0) {
    json.refuse(key, "must be a positive number (square pictures)");
  }
  return size[0];
}

bool is_xl_folder(const fs::path& folder) { return JsonConfig(folder / "unet/config.json").has("addition_embed_type"); }

bool zeros_for_empty(const fs::path& model_index) {
  return JsonConfig(model_index).boolean("force_zeros_for_empty_prompt", true);
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
  const int64_t first = prior.encoder->config().hidden_size;
  if (prior.second.has_value() != (unet.vector_width > 0)) {
    throw UserError(UserMistake{.what_happened = prior.second
                                                     ? "the U-Net takes no vector, and there are two text encoders"
                                                     : "the U-Net is SDXL's, and there is one text encoder",
                                .file = file.string(),
                                .key = "addition_embed_type",
                                .hint = "the parts come from different models"});
  }
  if (prior.second) {
    const text::ProjectingEncoder& second = prior.second->text;
    check("the text encoders", "cross_attention_dim", unet.cross_attention_dim,
          first + second.encoder->config().hidden_size);
    check("the second text encoder", "projection_class_embeddings_input_dim", unet.pooled_width(),
          second.projection.size(0));
    check("the second text encoder", "max_position_embeddings", prior.encoder->config().positions,
          second.encoder->config().positions);
  } else {
    check("the text encoder", "cross_attention_dim", unet.cross_attention_dim, first);
  }
  check("the VAE", "out_channels", unet.out_channels, prior.vae->config().latent_channels);
}

Prior load_prior(const fs::path& folder, const nn::WeightDtypes& dtypes) {
  if (!fs::is_directory(folder)) {
    throw UserError(UserMistake{.what_happened = "is not a folder",
                                .file = folder.string(),
                                .hint = "a prior is a diffusers folder, which holds a model_index.json"});
  }
  if (const std::string foreign = foreign_model(folder); !foreign.empty()) {
    throw UserError(
        UserMistake{.what_happened = foreign + ": not supported", .file = folder.string(), .hint = kUsableModels});
  }
  for (const char* part : kPriorFiles) require(folder, part);
  std::vector<fs::path> weight_files;
  const auto list = [&](const char* part, const char* stem) {
    std::ranges::copy(weights::part_files(folder / part, stem), std::back_inserter(weight_files));
  };
  list("text_encoder", "model");
  list("unet", "diffusion_pytorch_model");
  list("vae", "diffusion_pytorch_model");
  std::optional<SecondText> second;
  if (is_xl_folder(folder)) {
    for (const char* part : kSecondTextFiles) require(folder, part);
    list("text_encoder_2", "model");
    second = SecondText{.tokenizer = text::Tokenizer::from_folder(folder / "tokenizer_2"),
                        .text = text::load_projecting_encoder(folder / "text_encoder_2"),
                        .zeros_for_empty = zeros_for_empty(folder / "model_index.json")};
    tensor::freeze(second->text.encoder);
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
      .second = std::move(second),
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

torch::Tensor added_vector(const torch::Tensor& pooled, int64_t height, int64_t width, int64_t size_width) {
  const torch::Tensor sizes = torch::tensor({height, width, int64_t{0}, int64_t{0}, height, width});
  const torch::Tensor waves = diffusion::timestep_embedding(sizes, size_width);  // [6,size_width]
  return torch::cat({pooled.to(torch::kFloat).cpu(), waves.view({1, -1})}, 1);
}

PromptEmbedding embed_prompt(const Prior& prior, const std::string& text) {
  const torch::NoGradGuard no_grad;
  text::Encoder encoder = prior.encoder;  // copies of the handles, because forward() is not const
  const torch::Device device = encoder->parameters().front().device();
  const std::string words = expand_tokens(prior, text);
  const int64_t length = encoder->config().positions;
  const auto ids = [&](const text::Tokenizer& tokenizer) {
    return torch::tensor(tokenizer.encode_padded(words, length), torch::kLong).unsqueeze(0).to(device);
  };
  if (!prior.second) return {.context = encoder->forward(ids(prior.tokenizer))};

  text::ProjectingEncoder second = prior.second->text;
  torch::Tensor context, pooled;
  if (text.empty() && prior.second->zeros_for_empty) {
    const auto numbers = torch::TensorOptions(torch::kFloat).device(device);
    context = torch::zeros({1, length, encoder->config().hidden_size + second.encoder->config().hidden_size}, numbers);
    pooled = torch::zeros({1, second.projection.size(0)}, numbers);
  } else {
    const std::vector<torch::Tensor> states = encoder->hidden_states(ids(prior.tokenizer));
    const auto [other, of_text] =
        second.penultimate_and_pooled(ids(prior.second->tokenizer), prior.second->tokenizer.eos());
    context = torch::cat({states[states.size() - 2], other}, 2);
    pooled = of_text;
  }
  const auto told = [&](int64_t pixels) { return pixels > 0 ? pixels : prior.picture_size; };
  return {
      .context = context,
      .vector = added_vector(pooled, told(prior.told_height), told(prior.told_width), prior.unet->config().size_width)};
}

namespace {

ViewPrompts prompts_at(const ViewAnchors& anchors, const Prior& prior, const std::string& text,
                       const std::string& negative, const std::string& inverse_text) {
  std::vector<torch::Tensor> embeddings, vectors;  // [1,L,D] and, for SDXL, [1,V] each
  const auto add = [&](const std::string& words) {
    const PromptEmbedding prompt = embed_prompt(prior, words);
    embeddings.push_back(prompt.context);
    if (prompt.vector.defined()) vectors.push_back(prompt.vector);
  };
  for (const ViewAnchor& anchor : anchors.anchors()) add(text + anchor.words);
  add(negative);
  add(inverse_text);
  const size_t count = anchors.anchors().size();
  ViewPrompts prompts(anchors, torch::cat(std::vector(embeddings.begin(), embeddings.end() - 2)), embeddings[count],
                      embeddings[count + 1]);
  if (!vectors.empty()) prompts.set_vectors(torch::cat(vectors));
  return prompts;
}

}  // namespace

ViewPrompts view_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                         const std::string& inverse_text) {
  return prompts_at(ViewAnchors::of_prior(prior.folder), prior, text, negative, inverse_text);
}

bool knows_view_words(const Prior& prior) {
  return !prior.unet->config().is_multi_view() || fs::is_regular_file(prior.folder / "views.json");
}

ViewPrompts plain_prompts(const Prior& prior, const std::string& text, const std::string& negative,
                          const std::string& inverse_text) {
  return prompts_at(ViewAnchors({ViewAnchor{}}), prior, text, negative, inverse_text);
}

}  // namespace lucid::text_to_image
