// SPDX-License-Identifier: Apache-2.0
// A network straight from a file's tensors, without initial weights that they would replace.
#pragma once

#include <utility>

#include "lucid/diffusion/layers.h"
#include "lucid/weights/state_dict.h"
#include "lucid/weights/unfilled.h"

namespace lucid::diffusion {

/// A network for `config` with the weights of `state`, its norms' in float32, all others in `precision`. Throws
/// UserError.
template <class Module, class Config>
Module filled(const Config& config, weights::StateDict state, torch::ScalarType precision) {
  const weights::WithoutWeights until_filled;
  Module module(config);
  weights::load_into(*module, std::move(state), {.precision = precision});
  return module;
}

}  // namespace lucid::diffusion
