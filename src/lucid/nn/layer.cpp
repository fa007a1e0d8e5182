// SPDX-License-Identifier: Apache-2.0
// Layer: parameters and policy of one layer; functions that set the policy of a whole network.
#include "lucid/nn/layer.h"

#include <cmath>
#include <limits>

#include "lucid/base/error.h"
#include "lucid/weights/skip_init.h"

namespace lucid::nn {
namespace {

/// In bytes. Weights up to this size get packed copies even with low_memory: all of the embedded prior's, a tenth of
/// Stable Diffusion's.
constexpr int64_t kSmallWeight = 2 << 20;

}  // namespace

Layer::Layer(const std::vector<int64_t>& weight_shape, bool with_bias) {
  if (weights::SkipInitGuard::active()) {
    weight = register_parameter("weight", weights::uninitialised(weight_shape));
    if (with_bias) bias = register_parameter("bias", weights::uninitialised({weight_shape[0]}));
    return;
  }
  weight = register_parameter("weight", torch::empty(weight_shape));
  if (with_bias) bias = register_parameter("bias", torch::empty({weight_shape[0]}));
  // In the order of libtorch's layers, so that a seed gives the same weights.
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5));
  if (with_bias) {
    const double bound = 1 / std::sqrt(static_cast<double>(weight.numel() / weight.size(0)));
    torch::nn::init::uniform_(bias, -bound, bound);
  }
}

void Layer::set_policy(const ComputePolicy& policy) {
  policy_ = policy;
  packed_ = onednn::make_packed(policy.packed_bytes);
}

void Layer::to(torch::Device device, torch::Dtype dtype, bool non_blocking) {
  torch::nn::Module::to(device, dtype, non_blocking);
  policy_.dtype = dtype;
}

void Layer::to(torch::Dtype dtype, bool non_blocking) {
  torch::nn::Module::to(dtype, non_blocking);
  policy_.dtype = dtype;
}

std::vector<Layer*> layers_of(const torch::nn::Module& network) {
  std::vector<Layer*> layers;
  for (const auto& module : network.modules()) {
    if (auto* layer = dynamic_cast<Layer*>(module.get())) layers.push_back(layer);
  }
  return layers;
}

torch::ScalarType compute_dtype(const torch::nn::Module& network) {
  const std::vector<Layer*> layers = layers_of(network);
  LUCID_CHECK(!layers.empty(), "the network has no Conv2d or Linear");
  return layers.front()->policy().dtype;
}

void set_unfrozen_policy(torch::nn::Module& network, torch::ScalarType dtype) {
  for (Layer* layer : layers_of(network)) layer->set_policy({.dtype = dtype});
}

void set_compute_dtype(torch::nn::Module& network, torch::ScalarType dtype) {
  for (Layer* layer : layers_of(network)) layer->to(dtype);
}

void freeze_layers(torch::nn::Module& network, bool low_memory, bool round_activations) {
  for (Layer* layer : layers_of(network)) {
    const torch::ScalarType dtype = layer->policy().dtype;
    layer->set_policy({.dtype = dtype,
                       .frozen = true,
                       .packed_bytes = low_memory ? kSmallWeight : std::numeric_limits<int64_t>::max(),
                       .round_activations = round_activations && dtype == torch::kBFloat16});
  }
}

std::set<std::string> weights_readable_as_16_bit(const torch::nn::Module& network) {
  std::set<std::string> names;
  for (const auto& module : network.named_modules("", /*include_self=*/false)) {
    const auto* layer = dynamic_cast<const Layer*>(module.value().get());
    if (layer != nullptr && layer->reads_16_bit_weights()) names.insert(module.key() + ".weight");
  }
  return names;
}

}  // namespace lucid::nn
