// SPDX-License-Identifier: Apache-2.0
// cast_module(): a frozen network with operands of another dtype.
#pragma once

#include <optional>
#include <set>

#include "lucid/nn/layer.h"
#include "lucid/nn/layout.h"
#include "lucid/weights/skip_init.h"

namespace lucid::nn {

/// The module itself if it has this dtype already (or none is given), else a copy. Layers are cast; norms stay float32.
template <class Module>
Module cast_module(const Module& module, std::optional<torch::ScalarType> dtype) {
  if (!dtype || *dtype == compute_dtype(*module)) return module;
  const torch::NoGradGuard no_grad;
  Module copy = [&] {
    const weights::SkipInitGuard skip_init;
    return Module(module->config());
  }();
  std::set<const c10::TensorImpl*> of_layers;
  for (const Layer* layer : layers_of(*copy)) {
    of_layers.insert(layer->weight.unsafeGetTensorImpl());
    of_layers.insert(layer->bias.unsafeGetTensorImpl());
  }
  auto to = copy->parameters();
  const auto from = module->parameters();
  for (size_t i = 0; i < to.size(); ++i) {
    const bool of_layer = of_layers.contains(to[i].unsafeGetTensorImpl());  // else of a norm
    to[i].set_data(from[i].to(of_layer ? *dtype : torch::kFloat, /*non_blocking=*/false, /*copy=*/true));
    to[i].set_requires_grad(from[i].requires_grad());
  }
  set_unfrozen_policy(*copy, *dtype);
  make_weights_channels_last(*copy);
  copy->train(module->is_training());
  return copy;
}

}  // namespace lucid::nn
