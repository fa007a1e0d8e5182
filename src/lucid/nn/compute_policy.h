// SPDX-License-Identifier: Apache-2.0
// ComputePolicy: how the layers of a network are computed. ComputeOptions: what a caller asks of a network as a whole.
#pragma once

#include <torch/torch.h>

#include <optional>

namespace lucid::nn {

/// One policy for all layers of a network; every layer holds a copy (layer.h). docs/dev/compute.md says what follows
/// from it. Sums are float32 whatever the dtype (double where that is double). Activations have the dtype of the
/// network's input, for which activation_dtype() is the best choice.
struct ComputePolicy {
  /// Of the operands of products. Weights have it too, or are float16 or bfloat16 beside float32 operands.
  torch::ScalarType dtype = torch::kFloat;
  /// The weights do not change any more and want no gradient: copies of them may be kept in other layouts.
  bool frozen = false;
  /// The largest weight, in bytes, of which such a copy is kept.
  int64_t packed_bytes = 0;
  /// In a bfloat16 network: kernels may round activations to bfloat16 (AMX, or Winograd tiles in bfloat16). They take
  /// two thirds to nine tenths of the time. In the VAE's gradient they cost too much precision: 1.4 to 2.2 % error, 0.8
  /// without.
  bool round_activations = false;

  bool may_pack(const torch::Tensor& weight) const { return static_cast<int64_t>(weight.nbytes()) <= packed_bytes; }
  /// Whether x is a float32 activation whose products have bfloat16 operands.
  bool is_mixed(const torch::Tensor& x) const { return x.scalar_type() == torch::kFloat && dtype == torch::kBFloat16; }
};

struct ComputeOptions {
  /// Operands' dtype; none: the dtype of the network as it was loaded. Norms are computed in float32 whatever it is.
  std::optional<torch::ScalarType> dtype = std::nullopt;
  /// CPU threads that each compute a share of the batch, if the batch is large enough. For small images this is faster
  /// than threads that share each layer. 1: the batch is not divided.
  int64_t workers = 1;
  /// Recompute activations in the backward pass (the gradient of Stable Diffusion's encoder otherwise keeps a gigabyte
  /// per image of 512 x 512), and keep no packed copies of large weights.
  bool low_memory = false;
  /// Most rows of a U-Net's batch that are computed together, unless their gradients are wanted; 0: all. Fewer take
  /// less memory and more time.
  int64_t rows_at_once = 0;
  /// On a GPU: capture the work once for each shape and replay it (tensor/cuda_graph.h).
  bool cuda_graphs = true;
};

}  // namespace lucid::nn
