// SPDX-License-Identifier: Apache-2.0
// A frozen network in numbers of another size.
#pragma once

#include "lucid/nn/compute_policy.h"
#include "lucid/nn/layers.h"
#include "lucid/weights/unfilled.h"

namespace lucid::nn {

/// The module itself, or a copy if the precision is another one.
template <class Module>
Module in_precision(const Module& module, std::optional<torch::ScalarType> precision) {
  if (!precision || *precision == precision_of(module)) return module;
  const torch::NoGradGuard no_grad;
  Module copy = [&] {
    const weights::WithoutWeights until_filled;
    return Module(module->config());
  }();
  auto to = copy->parameters();
  const auto from = module->parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    const bool norm = !weights::is_unfilled(to[i]);  // fused.h takes their weights in float32
    to[i].set_data(from[i].to(norm ? torch::kFloat : *precision, /*non_blocking=*/false, /*copy=*/true));
    to[i].set_requires_grad(from[i].requires_grad());
  }
  lay_out_channels_last(*copy);
  copy->train(module->is_training());
  return copy;
}

}  // namespace lucid::nn
