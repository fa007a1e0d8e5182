// SPDX-License-Identifier: Apache-2.0
// Loading of CLIP's text tower in either layout; sizes follow from the shapes of its tensors.
#include "lucid/text/clip_text.h"

#include <fmt/format.h>

#include "lucid/base/error.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/ldm.h"
#include "lucid/weights/torch_file.h"

namespace lucid::text {
namespace fs = std::filesystem;
namespace {

using torch::Tensor;
using weights::StateDict;

constexpr int64_t kHeadWidth = 64;  // of all published CLIP models
constexpr std::string_view kModel = "text_model.";

[[noreturn]] void refuse_clip(const StateDict& state, const std::string& name, const std::string& what) {
  throw UserError({.what_happened = what,
                   .file = state.file.string(),
                   .key = name,
                   .hint = "OpenAI's ViT-L-14.pt or clip-vit-large-patch14 was expected"});
}

/// The shape of a matrix [rows,columns].
at::IntArrayRef matrix(const StateDict& state, const std::string& name) {
  const auto it = state.tensors.find(name);
  if (it == state.tensors.end()) refuse_clip(state, name, "is missing: this is no text encoder of CLIP");
  const at::IntArrayRef shape = it->second.sizes();
  if (shape.size() != 2 || shape[0] < 1 || shape[1] < 1)
    refuse_clip(state, name, fmt::format("has the shape {}, a matrix was expected", weights::shape_text(shape)));
  return shape;
}

struct Tower {
  StateDict text;     // transformers' names, with the prefix text_model.
  Tensor projection;  // [P,D]
};

Tower tower_of(const StateDict& file) {
  const bool openai = file.tensors.contains("positional_embedding");
  const std::string name = openai ? "text_projection" : "text_projection.weight";
  matrix(file, name);
  const Tensor stored = file.tensors.at(name).to(torch::kFloat);
  if (!stored.isfinite().all().item<bool>()) refuse_clip(file, name, "holds NaN or Inf");
  Tower tower{.text = {}, .projection = (openai ? stored.t() : stored).contiguous()};
  if (openai) {
    tower.text = weights::open_clip_text(file);
    return tower;
  }
  tower.text = {.file = file.file, .tensors = {}, .mappings = file.mappings};
  for (const auto& [key, tensor] : file.tensors) {
    if (key.starts_with(kModel)) tower.text.tensors.emplace(key, tensor);
  }
  return tower;
}

EncoderConfig config_of(const StateDict& state, const std::string& activation, int64_t heads) {
  const at::IntArrayRef tokens = matrix(state, "text_model.embeddings.token_embedding.weight");
  EncoderConfig config;
  config.vocab_size = tokens[0];
  config.hidden_size = tokens[1];
  config.positions = matrix(state, "text_model.embeddings.position_embedding.weight")[0];
  config.intermediate_size = matrix(state, "text_model.encoder.layers.0.mlp.fc1.weight")[0];
  config.layers = 0;
  while (state.tensors.contains(fmt::format("text_model.encoder.layers.{}.mlp.fc1.weight", config.layers)))
    ++config.layers;
  config.activation = activation;
  if (config.positions < 2) refuse_clip(state, "text_model.embeddings.position_embedding.weight", "is for no text");
  config.heads = heads > 0 ? heads : config.hidden_size / kHeadWidth;
  if (config.heads < 1 || config.hidden_size % config.heads != 0 ||
      (heads == 0 && config.hidden_size % kHeadWidth != 0)) {
    refuse_clip(state, "text_model.embeddings.token_embedding.weight",
                fmt::format("the width {} cannot be divided into {} heads", config.hidden_size, config.heads));
  }
  return config;
}

}  // namespace

Tensor ClipText::vectors(const Tensor& ids) {
  const torch::NoGradGuard no_grad;
  const Tensor states = encoder->forward(ids);  // [n,L,D]
  const Tensor is_end = ids == std::get<0>(ids.max(1, /*keepdim=*/true));
  const Tensor first = is_end.cumsum(1).eq(0).sum(1);  // [n]; argmax() would be free to return any of several ends
  const Tensor pooled = states.gather(1, first.view({-1, 1, 1}).expand({-1, 1, states.size(2)})).squeeze(1);
  return torch::linear(pooled.to(torch::kFloat), projection);
}

ClipText load_clip_text(const fs::path& path, int64_t heads) {
  std::error_code none;
  std::string activation = "quick_gelu";
  const bool is_folder = fs::is_directory(path, none);
  if (const fs::path file = path / "config.json"; is_folder && fs::exists(file, none)) {
    const JsonConfig whole(file);
    const JsonConfig json = whole.has("text_config") ? whole.object("text_config") : whole;
    const EncoderConfig config = EncoderConfig::from_json(json);
    activation = config.activation;
    if (heads == 0) heads = config.heads;
  }
  Tower tower = tower_of(is_folder ? weights::read_part(path, "model") : weights::read_weights(path));
  const EncoderConfig config = config_of(tower.text, activation, heads);
  if (tower.projection.size(1) != config.hidden_size) {
    refuse_clip(
        tower.text, "text_projection",
        fmt::format("takes {} numbers, the text encoder gives {}", tower.projection.size(1), config.hidden_size));
  }
  return {.encoder = load_encoder(config, std::move(tower.text), "CLIP's text encoder"),
          .projection = tower.projection};
}

}  // namespace lucid::text
