// SPDX-License-Identifier: Apache-2.0
// CLIPTextModel: embeddings, causal pre-norm transformer, final norm; modules under transformers' names.
#include "lucid/text/encoder.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "lucid/base/error.h"
#include "lucid/weights/json_config.h"
#include "lucid/weights/state_dict.h"

namespace lucid::text {
namespace fs = std::filesystem;
namespace {

constexpr int64_t kMaxWidth = 1 << 16, kMaxLayers = 256, kMaxVocabulary = 1 << 22;

torch::nn::LayerNorm layer_norm(int64_t width, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(eps));
}

/// One block: x + attention(norm(x)), x + mlp(norm(x)).
class LayerImpl : public torch::nn::Module {
 public:
  explicit LayerImpl(const EncoderConfig& c)
      : heads_(c.heads),
        quick_(c.activation == "quick_gelu"),
        q_(c.hidden_size, c.hidden_size),
        k_(c.hidden_size, c.hidden_size),
        v_(c.hidden_size, c.hidden_size),
        out_(c.hidden_size, c.hidden_size),
        fc1_(c.hidden_size, c.intermediate_size),
        fc2_(c.intermediate_size, c.hidden_size),
        norm1_(layer_norm(c.hidden_size, c.layer_norm_eps)),
        norm2_(layer_norm(c.hidden_size, c.layer_norm_eps)) {
    auto attention = register_module("self_attn", std::make_shared<torch::nn::Module>());
    attention->register_module("q_proj", q_);
    attention->register_module("k_proj", k_);
    attention->register_module("v_proj", v_);
    attention->register_module("out_proj", out_);
    register_module("layer_norm1", norm1_);
    auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
    mlp->register_module("fc1", fc1_);
    mlp->register_module("fc2", fc2_);
    register_module("layer_norm2", norm2_);
  }

  torch::Tensor forward(torch::Tensor x, const torch::Tensor& mask) {  // [n,L,D], [L,L]
    const int64_t n = x.size(0), length = x.size(1), width = x.size(2);
    const auto split = [&](const torch::Tensor& t) {
      return t.view({n, length, heads_, width / heads_}).transpose(1, 2);
    };
    const torch::Tensor normed = norm1_(x);
    const torch::Tensor q = split(q_(normed)) / std::sqrt(static_cast<double>(width / heads_));
    const torch::Tensor scores = torch::matmul(q, split(k_(normed)).transpose(2, 3)) + mask;  // [n,H,L,L]
    const torch::Tensor mixed = torch::matmul(scores.softmax(-1), split(v_(normed)));
    x = x + out_(mixed.transpose(1, 2).reshape({n, length, width}));
    torch::Tensor h = fc1_(norm2_(x));
    h = quick_ ? h * torch::sigmoid(1.702 * h) : torch::gelu(h);
    return x + fc2_(h);
  }

 private:
  int64_t heads_;
  bool quick_;
  torch::nn::Linear q_, k_, v_, out_, fc1_, fc2_;
  torch::nn::LayerNorm norm1_, norm2_;
};

}  // namespace

/// Kept out of the header: the layers.
struct EncoderImpl::Parts {
  torch::nn::Embedding token{nullptr}, position{nullptr};
  std::vector<std::shared_ptr<LayerImpl>> layers;
  torch::nn::LayerNorm final_norm{nullptr};
};

EncoderConfig EncoderConfig::from_file(const fs::path& file) {
  const weights::JsonConfig json(file);
  EncoderConfig c;
  // What a config.json leaves out has transformers' default, which is not always Stable Diffusion's value.
  c.vocab_size = json.positive("vocab_size", c.vocab_size, kMaxVocabulary);
  c.hidden_size = json.positive("hidden_size", 512, kMaxWidth);
  c.intermediate_size = json.positive("intermediate_size", 2048, kMaxWidth);
  c.layers = json.positive("num_hidden_layers", c.layers, kMaxLayers);
  c.heads = json.positive("num_attention_heads", 8, kMaxWidth);
  c.positions = json.positive("max_position_embeddings", c.positions, kMaxWidth);
  c.activation = json.text("hidden_act", c.activation);
  if (c.activation != "quick_gelu" && c.activation != "gelu") {
    json.refuse("hidden_act", "is not supported, only quick_gelu and gelu are");
  }
  c.layer_norm_eps = json.number("layer_norm_eps", c.layer_norm_eps);
  if (c.layer_norm_eps < 0 || c.layer_norm_eps > 1) json.refuse("layer_norm_eps", "must be a number from 0 to 1");
  if (c.hidden_size % c.heads != 0) {
    json.refuse("num_attention_heads", fmt::format("does not divide the width {}", c.hidden_size));
  }
  return c;
}

EncoderImpl::EncoderImpl(const EncoderConfig& config) : config_(config), parts_(std::make_shared<Parts>()) {
  auto model = register_module("text_model", std::make_shared<torch::nn::Module>());
  auto embeddings = model->register_module("embeddings", std::make_shared<torch::nn::Module>());
  parts_->token =
      embeddings->register_module("token_embedding", torch::nn::Embedding(config.vocab_size, config.hidden_size));
  parts_->position =
      embeddings->register_module("position_embedding", torch::nn::Embedding(config.positions, config.hidden_size));
  auto encoder = model->register_module("encoder", std::make_shared<torch::nn::Module>());
  auto layers = encoder->register_module("layers", std::make_shared<torch::nn::Module>());
  for (int64_t i = 0; i < config.layers; ++i) {
    parts_->layers.push_back(layers->register_module(fmt::format("{}", i), std::make_shared<LayerImpl>(config)));
  }
  parts_->final_norm =
      model->register_module("final_layer_norm", layer_norm(config.hidden_size, config.layer_norm_eps));
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
  torch::Tensor h = parts_->token(ids) + parts_->position(positions);
  const torch::Tensor mask =
      torch::full({length, length}, -std::numeric_limits<float>::infinity(), h.options()).triu(1);  // causal
  std::vector<torch::Tensor> states = {h};
  for (auto& layer : parts_->layers) states.push_back(layer->forward(states.back(), mask));
  return states;
}

torch::Tensor EncoderImpl::forward(const torch::Tensor& ids) { return parts_->final_norm(hidden_states(ids).back()); }

namespace {

/// A lying config.json must not make us allocate what its weight file could never fill.
void check_size(const EncoderConfig& c, const weights::StateDict& state) {
  double held = 0;
  for (const auto& [name, tensor] : state.tensors) held += static_cast<double>(tensor.numel());
  const auto width = static_cast<double>(c.hidden_size), inner = static_cast<double>(c.intermediate_size);
  const double asked = width * static_cast<double>(c.vocab_size + c.positions) +
                       static_cast<double>(c.layers) * width * (4 * width + 2 * inner);
  constexpr double kSlack = 4;  // a file that merely lacks some tensors gets their names from load_into
  if (asked > kSlack * held + 1e6) {
    throw UserError({.what_happened = fmt::format("holds {:.3g} numbers, its config.json asks for {:.3g}", held, asked),
                     .file = state.file.string(),
                     .hint = "weights and config.json must come from the same model"});
  }
}

}  // namespace

Encoder load_encoder(const fs::path& folder) {
  const EncoderConfig config = EncoderConfig::from_file(folder / "config.json");
  weights::StateDict state = weights::read_part(folder, "model");
  check_size(config, state);
  // transformers 5 writes the names without their common prefix.
  std::map<std::string, torch::Tensor> named;
  for (const auto& [name, tensor] : state.tensors)
    named[name.starts_with("text_model.") ? name : "text_model." + name] = tensor;
  state.tensors = std::move(named);
  Encoder encoder(config);
  weights::load_into(*encoder, state, {"position_ids"});
  encoder->eval();
  return encoder;
}

}  // namespace lucid::text
