// SPDX-License-Identifier: Apache-2.0
// A network straight from a file's tensors, without initial weights that they would replace.
#pragma once

#include <utility>

#include "lucid/nn/layers.h"
#include "lucid/nn/weight_types.h"
#include "lucid/weights/state_dict.h"
#include "lucid/weights/unfilled.h"

namespace lucid::nn {

/// A network for `config` with the weights of `state`. Throws UserError.
template <class Module, class Config>
Module filled(const Config& config, weights::StateDict state, const WeightTypes& types) {
  const weights::WithoutWeights until_filled;
  Module module(config);
  weights::LoadOptions options{.precision = types.precision};
  if (types.half_stays && types.precision == torch::kFloat) options.half_stays = weights_that_take_half(*module);
  weights::load_into(*module, std::move(state), options);
  return module;
}

}  // namespace lucid::nn
