// SPDX-License-Identifier: Apache-2.0
// load_module(): makes a network from a configuration and a file's weights, without random initial weights.
#pragma once

#include <utility>

#include "lucid/nn/layer.h"
#include "lucid/nn/weight_dtypes.h"
#include "lucid/weights/skip_init.h"
#include "lucid/weights/state_dict.h"

namespace lucid::nn {

/// A network for `config` with the weights of `state`; norms are float32. Throws UserError.
template <class Module, class Config>
Module load_module(const Config& config, weights::StateDict state, const WeightDtypes& dtypes) {
  const weights::SkipInitGuard skip_init;
  Module module(config);
  weights::LoadOptions options{.precision = dtypes.dtype};
  if (dtypes.keep_16_bit && dtypes.dtype == torch::kFloat) options.half_stays = weights_readable_as_16_bit(*module);
  weights::load_into(*module, std::move(state), options);
  set_unfrozen_policy(*module, dtypes.dtype);
  return module;
}

}  // namespace lucid::nn
