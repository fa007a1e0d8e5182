// SPDX-License-Identifier: Apache-2.0
// GroupNorm (with fused SiLU) and LayerNorm modules, with first derivatives. Kernels of our own compute them in float32
// and bfloat16 on a CPU, and on a GPU if the build has them (docs/dev/compute.md); libtorch computes the rest.
// libtorch's bfloat16 norms take several passes over memory and add in bfloat16, which is wrong for large maps.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/nn/biased_map.h"

namespace lucid::nn {

/// Parameters `weight` and `bias` [C], initially ones and zeros; float32 in a network of any dtype.
class GroupNormImpl : public torch::nn::Module {
 public:
  GroupNormImpl(int64_t groups, int64_t channels, double eps);
  /// map [B,C,h,w] -> [B,C,h,w], channels-last, in the map's dtype or in bfloat16. A map that is not channels-last is
  /// copied first.
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

/// Parameters `weight` and `bias` [C], as GroupNorm's.
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
