// SPDX-License-Identifier: Apache-2.0
// BiasedMap: a convolution's output whose bias is added by the next operator that reads it. On a GPU that saves a pass
// over memory for each convolution of a frozen network.
#pragma once

#include <torch/torch.h>

#include <utility>

namespace lucid::nn {

/// map [B,C,h,w]; bias [C] or [B,C] still to be added, undefined if there is none.
struct BiasedMap {
  // NOLINTNEXTLINE(google-explicit-constructor): a map is one without a pending bias
  BiasedMap(torch::Tensor map_without_bias) : map(std::move(map_without_bias)) {}
  BiasedMap(torch::Tensor unbiased_map, torch::Tensor pending_bias)
      : map(std::move(unbiased_map)), bias(std::move(pending_bias)) {}
  torch::Tensor map, bias;
};

/// The map with `more` [B,C] added to each pixel.
BiasedMap add_per_channel(const BiasedMap& x, const torch::Tensor& more);
/// The map with its bias added.
torch::Tensor materialise(const BiasedMap& x);
/// a + b, biases added.
torch::Tensor add(const BiasedMap& a, const BiasedMap& b);

}  // namespace lucid::nn
