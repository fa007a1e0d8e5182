// SPDX-License-Identifier: Apache-2.0
// See clip_layer.h.
#include "lucid/text/clip_layer.h"

#include <cmath>

namespace lucid::text {

ClipLayerImpl::ClipLayerImpl(const ClipLayerSizes& s)
    : heads_(s.heads),
      quick_(s.quick_gelu),
      q_(s.width, s.width),
      k_(s.width, s.width),
      v_(s.width, s.width),
      out_(s.width, s.width),
      fc1_(s.width, s.inner),
      fc2_(s.inner, s.width),
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
  const torch::Tensor q = split(q_(normed)) / std::sqrt(static_cast<double>(width / heads_));
  torch::Tensor scores = torch::matmul(q, split(k_(normed)).transpose(2, 3));  // [n,H,L,L]
  if (mask.defined()) scores = scores + mask;
  const torch::Tensor mixed = torch::matmul(scores.softmax(-1), split(v_(normed)));
  x = x + out_(mixed.transpose(1, 2).reshape({n, length, width}));
  torch::Tensor h = fc1_(norm2_(x));
  h = quick_ ? h * torch::sigmoid(1.702 * h) : torch::gelu(h);
  return x + fc2_(h);
}

}  // namespace lucid::text
