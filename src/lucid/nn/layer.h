// SPDX-License-Identifier: Apache-2.0
// Layer: base class of Conv2d and Linear, a weight and a bias with the policy by which they are computed.
#pragma once

#include <torch/torch.h>

#include <set>
#include <string>
#include <vector>

#include "lucid/nn/backends/onednn.h"
#include "lucid/nn/compute_policy.h"

namespace lucid::nn {

/// Parameters are named `weight` and `bias`, as in libtorch and diffusers, and are initialised as libtorch's layers are
/// (Kaiming uniform), or not at all under weights::SkipInitGuard.
class Layer : public torch::nn::Module {
 public:
  torch::Tensor weight;  // [out,in] or [out,in,k,k]; contiguous, or channels-last
  torch::Tensor bias;    // [out], or undefined

  const ComputePolicy& policy() const { return policy_; }
  /// Drops packed copies made under the previous policy.
  virtual void set_policy(const ComputePolicy& policy);
  /// Whether float32 CPU kernels read float16 and bfloat16 weights of this layer's shape.
  virtual bool reads_16_bit_weights() const = 0;

  /// Operands' dtype for activations x: bfloat16 if x is float32 in a bfloat16 network (ComputePolicy::is_mixed), else
  /// the dtype of x.
  torch::ScalarType operand_dtype(const torch::Tensor& x) const {
    return policy_.is_mixed(x) ? policy_.dtype : x.scalar_type();
  }
  onednn::Weights onednn_weights() const { return {.weight = weight, .bias = bias, .packed = packed_}; }

  /// Casts the parameters and sets the policy's dtype.
  void to(torch::Device device, torch::Dtype dtype, bool non_blocking = false) override;
  void to(torch::Dtype dtype, bool non_blocking = false) override;
  using torch::nn::Module::to;

 protected:
  /// Registers the parameters.
  Layer(const std::vector<int64_t>& weight_shape, bool with_bias);

 private:
  ComputePolicy policy_;
  onednn::Packed packed_ = onednn::make_packed(0);
};

/// The layers of a network, in the order of their modules.
std::vector<Layer*> layers_of(const torch::nn::Module& network);

/// The operands' dtype of a network: all its layers have the same.
torch::ScalarType compute_dtype(const torch::nn::Module& network);

/// The policy of a network that is not frozen, for all its layers. Casts nothing.
void set_unfrozen_policy(torch::nn::Module& network, torch::ScalarType dtype);

/// Casts weights and biases of all layers, but not norms, and sets the policy's dtype.
void set_compute_dtype(torch::nn::Module& network, torch::ScalarType dtype);

/// Declares the weights of a network final: layers keep packed copies from then on, with `low_memory` only of weights
/// up to 2 MiB. `round_activations`: see ComputePolicy; ignored for float32 layers.
void freeze_layers(torch::nn::Module& network, bool low_memory, bool round_activations);

/// Names of the weights that may be float16 or bfloat16 in a float32 network (Layer::reads_16_bit_weights).
std::set<std::string> weights_readable_as_16_bit(const torch::nn::Module& network);

}  // namespace lucid::nn
