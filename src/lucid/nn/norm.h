// SPDX-License-Identifier: Apache-2.0
// GroupNorm (with SiLU fused) and LayerNorm, with first derivatives: one pass over memory on a CPU (float32, bfloat16)
// and on a GPU with this build's kernels, libtorch's operators elsewhere and in double. libtorch's bfloat16 norms are
// several passes, and their sums in bfloat16 are wrong for large maps.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/nn/biased_map.h"

namespace lucid::nn {

/// Parameters `weight`, `bias` [C]: ones and zeros at first, float32 in a network of any dtype.
class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps);
  /// map [B,C,h,w], best channels-last -> the same shape, channels-last, in the map's dtype or in bfloat16.
  torch::Tensor forward(const torch::Tensor& map, std::optional<torch::ScalarType> dtype = std::nullopt);
  /// silu(forward(map)).
  torch::Tensor forward_silu(const BiasedMap& map);

  int64_t groups() const { return groups_; }
  double eps() const { return eps_; }
  torch::Tensor weight, bias;

 private:
  torch::Tensor run(const BiasedMap& map, bool silu, std::optional<torch::ScalarType> dtype);
  int64_t groups_;
  double eps_;
};
TORCH_MODULE(GroupNorm);

/// Parameters `weight`, `bias` [C], likewise.
class LayerNormImpl : public torch::nn::Module {
 public:
  explicit LayerNormImpl(int64_t channels, double eps = 1e-5);
  /// tokens [...,C], normalised over the last axis -> the same in their dtype, or in bfloat16.
  torch::Tensor forward(const torch::Tensor& tokens, std::optional<torch::ScalarType> dtype = std::nullopt);

  double eps() const { return eps_; }
  torch::Tensor weight, bias;

 private:
  double eps_;
};
TORCH_MODULE(LayerNorm);

}  // namespace lucid::nn
