// SPDX-License-Identifier: Apache-2.0
// CLIPTextModel: token and position embeddings, causal transformer, final norm. Submodule names are transformers'.
#include "lucid/text/encoder.h"

#include <fmt/format.h>

#include <limits>

#include "lucid/base/error.h"
#include "lucid/json/json_config.h"
#include "lucid/text/clip_layer.h"
#include "lucid/weights/error_messages.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMaxWidth = 1 << 16, kMaxLayers = 256, kMaxVocabulary = 1 << 22;
constexpr const char* kProjection = "text_projection.weight";

}  // namespace

/// The encoder's layers.
struct EncoderImpl::Parts {
  torch::nn::Embedding token{nullptr}, position{nullptr};
  std::vector<ClipLayer> layers;
  torch::nn::LayerNorm final_norm{nullptr};
};

EncoderConfig EncoderConfig::from_file(const fs::path& file) { return from_json(JsonConfig(file)); }

EncoderConfig EncoderConfig::from_json(const JsonConfig& json) {
  EncoderConfig c;
  // Absent keys take the defaults of transformers, which differ from Stable Diffusion's values in part.
  c.vocab_size = json.positive("vocab_size", c.vocab_size, kMaxVocabulary);
  c.hidden_size = json.positive("hidden_size", 512, kMaxWidth);
  c.intermediate_size = json.positive("intermediate_size", 2048, kMaxWidth);
  c.layers = json.positive("num_hidden_layers", c.layers, kMaxLayers);
  c.heads = json.positive("num_attention_heads", 8, kMaxWidth);
  c.positions = json.positive("max_position_embeddings", c.positions, kMaxWidth);
  c.activation = clip_activation(json);
  c.layer_norm_eps = json.number("layer_norm_eps", c.layer_norm_eps);
  if (c.layer_norm_eps < 0 || c.layer_norm_eps > 1) json.refuse("layer_norm_eps", "must be a number from 0 to 1");
  if (c.hidden_size % c.heads != 0) {
    json.refuse("num_attention_heads", fmt::format("does not divide the width {}", c.hidden_size));
  }
  return c;
}

double EncoderConfig::parameters() const {
  const auto width = static_cast<double>(hidden_size);
  return width * static_cast<double>(vocab_size + positions) +
         static_cast<double>(layers) * width * (4 * width + 2 * static_cast<double>(intermediate_size));
}

EncoderImpl::EncoderImpl(const EncoderConfig& config) : config_(config), parts_(std::make_shared<Parts>()) {
  auto model = register_module("text_model", std::make_shared<torch::nn::Module>());
  auto embeddings = model->register_module("embeddings", std::make_shared<torch::nn::Module>());
  parts_->token =
      embeddings->register_module("token_embedding", weights::embedding(config.vocab_size, config.hidden_size));
  parts_->position =
      embeddings->register_module("position_embedding", weights::embedding(config.positions, config.hidden_size));
  auto encoder = model->register_module("encoder", std::make_shared<torch::nn::Module>());
  auto layers = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < config.layers; ++i) {
    parts_->layers.push_back(layers->register_module(
        fmt::format("{}", i), ClipLayer(ClipLayerSizes{.width = config.hidden_size,
                                                       .mlp_width = config.intermediate_size,
                                                       .heads = config.heads,
                                                       .quick_gelu = config.activation == "quick_gelu",
                                                       .eps = config.layer_norm_eps})));
  }
  parts_->final_norm = model->register_module("final_layer_norm", clip_norm(config.hidden_size, config.layer_norm_eps));
}

std::vector<torch::Tensor> EncoderImpl::hidden_states(const torch::Tensor& ids) {
  LUCID_CHECK(ids.dim() == 2, "ids have {} dimensions", ids.dim());
  const int64_t length = ids.size(1);
  LUCID_CHECK(length <= config_.positions, "{} tokens, {} positions", length, config_.positions);
  if (ids.numel() > 0 && (ids.min().item<int64_t>() < 0 || ids.max().item<int64_t>() >= config_.vocab_size)) {
    throw UserError({.what_happened = fmt::format("token {} is beyond the text encoder's {} tokens",
                                                  ids.max().item<int64_t>(), config_.vocab_size),
                     .hint = "tokenizer/ and text_encoder/ must come from the same model"});
  }
  const torch::Tensor positions = torch::arange(length, ids.options());
  const torch::ScalarType computed = torch::promoteTypes(parts_->token->weight.scalar_type(), torch::kFloat);
  torch::Tensor h = parts_->token(ids).to(computed) + parts_->position(positions).to(computed);
  const torch::Tensor mask =
      torch::full({length, length}, -std::numeric_limits<float>::infinity(), h.options()).triu(1);  // causal
  std::vector<torch::Tensor> states = {h};
  for (auto& layer : parts_->layers) states.push_back(layer->forward(states.back(), mask));
  return states;
}

void EncoderImpl::set_token_embeddings(int64_t first, const torch::Tensor& rows) {
  const torch::NoGradGuard no_grad;
  torch::Tensor& weight = parts_->token->weight;
  LUCID_CHECK(rows.dim() == 2 && rows.size(1) == weight.size(1) && first >= 0, "rows have {} axes", rows.dim());
  // The new rows must not be rounded to the 16 bits of the stored table.
  weight.set_data(weight.data().to(torch::promoteTypes(weight.scalar_type(), torch::kFloat)));
  const int64_t end = first + rows.size(0);
  if (end > weight.size(0)) {
    weight.set_data(
        torch::cat({weight.data(), torch::zeros({end - weight.size(0), weight.size(1)}, weight.options())}));
    config_.vocab_size = end;
  }
  weight.slice(0, first, end).copy_(rows);
}

torch::Tensor EncoderImpl::normalised(const torch::Tensor& state) { return parts_->final_norm(state); }

torch::Tensor EncoderImpl::forward(const torch::Tensor& ids) { return normalised(hidden_states(ids).back()); }

std::pair<torch::Tensor, torch::Tensor> ProjectingEncoder::penultimate_and_pooled(const torch::Tensor& ids,
                                                                                  int64_t end) {
  const std::vector<torch::Tensor> states = encoder->hidden_states(ids);
  // The number of tokens before the first end token; argmax() would be free to return any of several.
  const torch::Tensor at = (ids == end).cumsum(1).eq(0).sum(1).clamp_max(ids.size(1) - 1);  // [n]
  const torch::Tensor last = encoder->normalised(states.back());
  const torch::Tensor pooled = last.gather(1, at.view({-1, 1, 1}).expand({-1, 1, last.size(2)})).squeeze(1);
  return {states[states.size() - 2], torch::linear(pooled, projection.to(pooled.options()))};
}

Encoder load_encoder(const EncoderConfig& config, weights::StateDict state, const std::optional<std::string>& model) {
  const weights::SkipInitGuard skip_init;
  Encoder encoder(config);
  weights::load_into(*encoder, std::move(state),
                     {.ignore = {"position_ids"}, .precision = std::nullopt, .model = model});
  encoder->eval();
  return encoder;
}

namespace {

/// The tensors of a folder, with the prefix `text_model.`, which transformers 5 leaves out.
weights::StateDict read_encoder(const fs::path& folder, const EncoderConfig& config) {
  weights::StateDict state = weights::read_part(folder, "model");
  weights::check_parameter_count(state, config.parameters());
  std::map<std::string, torch::Tensor> named;
  for (const auto& [name, tensor] : state.tensors)
    named[name.starts_with("text_model.") || name == kProjection ? name : "text_model." + name] = tensor;
  state.tensors = std::move(named);
  return state;
}

}  // namespace

Encoder load_encoder(const fs::path& folder) {
  const EncoderConfig config = EncoderConfig::from_file(folder / "config.json");
  return load_encoder(config, read_encoder(folder, config));
}

ProjectingEncoder load_projecting_encoder(const EncoderConfig& config, weights::StateDict state,
                                          const torch::Tensor& projection) {
  const auto refuse = [&](const std::string& what) {
    throw UserError({.what_happened = what,
                     .file = state.file.string(),
                     .key = kProjection,
                     .hint = "SDXL's second text encoder was expected"});
  };
  if (!projection.defined()) refuse("is missing");
  if (projection.dim() != 2 || projection.size(1) != config.hidden_size || !projection.is_floating_point())
    refuse(fmt::format("has the shape {}, the text encoder gives {} numbers", weights::shape_text(projection.sizes()),
                       config.hidden_size));
  if (!projection.isfinite().all().item<bool>()) refuse("holds NaN or Inf");
  torch::Tensor own = projection.contiguous();
  return {.encoder = load_encoder(config, std::move(state)), .projection = own};
}

ProjectingEncoder load_projecting_encoder(const fs::path& folder) {
  const EncoderConfig config = EncoderConfig::from_file(folder / "config.json");
  weights::StateDict state = read_encoder(folder, config);
  const auto node = state.tensors.extract(kProjection);
  return load_projecting_encoder(config, std::move(state), node.empty() ? torch::Tensor() : node.mapped());
}

}  // namespace lucid::text
