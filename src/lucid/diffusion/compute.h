// SPDX-License-Identifier: Apache-2.0
// How a frozen network is computed: with which numbers, and by how many workers.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/diffusion/layers.h"

namespace lucid::diffusion {

struct ComputeOptions {
  /// Of weights and activations; norms are computed in float32 whatever it is. None: as the weights are.
  std::optional<torch::ScalarType> precision = std::nullopt;
  /// Threads that each take a share of a batch that is large enough: on small pictures they do more in a second than if
  /// all of them shared each layer. 1: no shares.
  int64_t workers = 1;
};

template <class Module>
torch::ScalarType precision_of(const Module& module) {
  return module->parameters().front().scalar_type();
}

/// The module itself, or a copy if the precision is another one.
template <class Module>
Module in_precision(const Module& module, std::optional<torch::ScalarType> precision) {
  if (!precision || *precision == precision_of(module)) return module;
  Module copy(module->config());
  const torch::Device device = module->parameters().front().device();
  copy->to(device, *precision);
  if (device.is_cpu()) {  // fused.h takes norms' weights as they are; other devices want one type throughout
    for (const auto& part : copy->modules()) {
      if (part->template as<torch::nn::GroupNorm>() || part->template as<torch::nn::LayerNorm>()) {
        part->to(torch::kFloat);
      }
    }
  }
  lay_out_channels_last(*copy);
  const torch::NoGradGuard no_grad;
  auto to = copy->parameters();
  const auto from = module->parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    to[i].copy_(from[i]);
    to[i].set_requires_grad(from[i].requires_grad());
  }
  copy->train(module->is_training());
  return copy;
}

}  // namespace lucid::diffusion
