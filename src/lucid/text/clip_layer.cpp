// SPDX-License-Identifier: Apache-2.0
// CLIP's transformer block: multi-head attention and MLP, computed in the dtype of the activations.
#include "lucid/text/clip_layer.h"

#include <cmath>

#include "lucid/weights/skip_init.h"

namespace lucid::text {
namespace {

// Weights may be stored in 16 bits; they are converted to the activations' dtype.
torch::Tensor linear(const torch::nn::Linear& layer, const torch::Tensor& x) {
  return torch::linear(x, layer->weight.to(x.scalar_type()), layer->bias.to(x.scalar_type()));
}

}  // namespace

std::string clip_activation(const JsonConfig& json) {
  std::string activation = json.text("hidden_act", "quick_gelu");
  if (activation != "quick_gelu" && activation != "gelu") {
    json.refuse("hidden_act", "is not supported, only quick_gelu and gelu are");
  }
  return activation;
}

ClipLayerImpl::ClipLayerImpl(const ClipLayerSizes& s)
    : heads_(s.heads),
      quick_(s.quick_gelu),
      q_(weights::linear(s.width, s.width)),
      k_(weights::linear(s.width, s.width)),
      v_(weights::linear(s.width, s.width)),
      out_(weights::linear(s.width, s.width)),
      fc1_(weights::linear(s.width, s.mlp_width)),
      fc2_(weights::linear(s.mlp_width, s.width)),
      norm1_(register_module("layer_norm1", clip_norm(s.width, s.eps))),
      norm2_(register_module("layer_norm2", clip_norm(s.width, s.eps))) {
  const auto attention = register_module("self_attn", std::make_shared<torch::nn::Module>());
  attention->register_module("q_proj", q_);
  attention->register_module("k_proj", k_);
  attention->register_module("v_proj", v_);
  attention->register_module("out_proj", out_);
  const auto mlp = register_module("mlp", std::make_shared<torch::nn::Module>());
  mlp->register_module("fc1", fc1_);
  mlp->register_module("fc2", fc2_);
}

torch::Tensor ClipLayerImpl::forward(torch::Tensor x, const torch::Tensor& mask) {
  const int64_t n = x.size(0), length = x.size(1), width = x.size(2);
  const auto split = [&](const torch::Tensor& t) {
    return t.view({n, length, heads_, width / heads_}).transpose(1, 2);
  };
  const torch::Tensor normed = norm1_(x);
  const torch::Tensor q = split(linear(q_, normed)) / std::sqrt(static_cast<double>(width / heads_));
  torch::Tensor scores = torch::matmul(q, split(linear(k_, normed)).transpose(2, 3));  // [n,H,L,L]
  if (mask.defined()) scores = scores + mask;
  const torch::Tensor mixed = torch::matmul(scores.softmax(-1), split(linear(v_, normed)));
  x = x + linear(out_, mixed.transpose(1, 2).reshape({n, length, width}));
  torch::Tensor h = linear(fc1_, norm2_(x));
  h = quick_ ? h * torch::sigmoid(1.702 * h) : torch::gelu(h);
  return x + linear(fc2_, h);
}

}  // namespace lucid::text
