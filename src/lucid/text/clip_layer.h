// SPDX-License-Identifier: Apache-2.0
// Transformer block of CLIP's text and image encoders (Radford et al. 2021); submodule names are those of transformers.
#pragma once

#include <torch/torch.h>

#include <string>

#include "lucid/json/json_config.h"

namespace lucid::text {

inline torch::nn::LayerNorm clip_norm(int64_t width, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({width}).eps(eps));
}

/// `hidden_act` of a CLIP config.json: "quick_gelu" (the default) or "gelu". Throws UserError for any other.
std::string clip_activation(const JsonConfig& json);

struct ClipLayerSizes {
  int64_t width = 0, mlp_width = 0, heads = 1;
  bool quick_gelu = true;  // x sigmoid(1.702 x); else GELU's erf form
  double eps = 1e-5;
};

/// Pre-norm block: x + attention(norm1(x)), then x + mlp(norm2(x)).
class ClipLayerImpl : public torch::nn::Module {
 public:
  explicit ClipLayerImpl(const ClipLayerSizes& sizes);
  /// x [n,L,D] -> [n,L,D]. mask [L,L] is added to the attention scores; undefined means no mask.
  torch::Tensor forward(torch::Tensor x, const torch::Tensor& mask);

 private:
  int64_t heads_;
  bool quick_;
  torch::nn::Linear q_, k_, v_, out_, fc1_, fc2_;
  torch::nn::LayerNorm norm1_, norm2_;
};
TORCH_MODULE(ClipLayer);

}  // namespace lucid::text
