// SPDX-License-Identifier: Apache-2.0
// How a frozen network is computed: with which numbers, and by how many workers.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/base/error.h"

namespace lucid::nn {

struct ComputeOptions {
  /// Of weights and activations; norms are computed in float32 whatever it is. None: as the weights are.
  std::optional<torch::ScalarType> precision = std::nullopt;
  /// Threads that each take a share of a batch that is large enough: on small pictures they do more in a second than if
  /// all of them shared each layer. 1: no shares.
  int64_t workers = 1;
  /// Keep little between the passes there and back, and compute it again: what a gradient needs of Stable Diffusion's
  /// encoder is a gigabyte a picture of 512 x 512. And keep large weights once only, not also as oneDNN likes them.
  bool low_memory = false;
  /// On a GPU: record the work once for each shape and replay it (cuda_graph.h).
  bool record = true;
};

/// What a network is computed in: the type of its first bias, as weights may be in float16 all the same.
template <class Module>
torch::ScalarType precision_of(const Module& module) {
  for (const auto& parameter : module->named_parameters()) {
    if (parameter.key().ends_with(".bias")) return parameter.value().scalar_type();
  }
  LUCID_CHECK(false, "a network without a bias");
}

}  // namespace lucid::nn
