// SPDX-License-Identifier: Apache-2.0
// Sums of maps and pending biases, in one pass on a GPU.
#include "lucid/nn/biased_map.h"

#include "lucid/nn/backends/gpu_ops.h"

namespace lucid::nn {

BiasedMap add_per_channel(const BiasedMap& x, const torch::Tensor& more) {
  if (!x.bias.defined()) return x.map + more.unsqueeze(-1).unsqueeze(-1);
  return {x.map, x.bias + more};
}

torch::Tensor materialise(const BiasedMap& x) { return x.bias.defined() ? add_per_channel(x.map, x.bias).map : x.map; }

torch::Tensor add(const BiasedMap& a, const BiasedMap& b) {
  if (!a.bias.defined() && !b.bias.defined()) return a.map + b.map;
  return gpu::sum_of_maps(a.map, b.map, a.bias, b.bias);
}

}  // namespace lucid::nn
