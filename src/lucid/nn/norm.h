// SPDX-License-Identifier: Apache-2.0
// The operations between a network's convolutions and matrix products, each in one pass over memory on a CPU in float32
// or bfloat16, with its gradient, and on a GPU where this build has kernels for it (fused_gpu.h); elsewhere, and in
// double precision, libtorch's own. There a bfloat16 norm is several passes with copies to float32 and back: a quarter
// of a training step on a CPU, half of a step of Stable Diffusion on an H200. First derivatives only.
#pragma once

#include <torch/torch.h>

#include <optional>

namespace lucid::nn {

enum class After { kNothing, kSilu };

/// A map [B,C,h,w] and a bias [C] or [B,C] that is still to be added to it, undefined if none is: whatever reads the
/// map next can do that on the way.
struct Biased {
  torch::Tensor map = {}, bias = {};
};

/// conv(x), which keeps the size of a map; its bias is left to the next reader where that saves a pass.
Biased convolved(torch::nn::Conv2d& conv, const torch::Tensor& x);
/// conv(silu(norm(x))), likewise.
Biased convolved(torch::nn::Conv2d& conv, const Biased& x, torch::nn::GroupNorm& norm);
/// The same map with more [B,C] to be added.
Biased with_more(const Biased& x, const torch::Tensor& more);
/// The map with its bias.
torch::Tensor whole(const Biased& x);
/// a + b.
torch::Tensor sum_of(const Biased& a, const Biased& b);

/// GroupNorm, then SiLU if asked. x.map [B,C,h,w], best channels-last -> the same, channels-last, in its dtype, or in
/// bfloat16.
torch::Tensor normalised(const Biased& x, torch::nn::GroupNorm& norm, After after = After::kNothing,
                         std::optional<torch::ScalarType> type = std::nullopt);
inline torch::Tensor normalised(const torch::Tensor& map, torch::nn::GroupNorm& norm, After after = After::kNothing,
                                std::optional<torch::ScalarType> type = std::nullopt) {
  return normalised(Biased{.map = map}, norm, after, type);
}

/// LayerNorm over the last axis. tokens [...,C] -> the same in their dtype, or in bfloat16.
torch::Tensor normalised(const torch::Tensor& tokens, torch::nn::LayerNorm& norm,
                         std::optional<torch::ScalarType> type = std::nullopt);

/// The sum that a transformer block's parts add to, [...,C]. `wide`: in float32 whatever its parts are in. Rounding
/// each sum to bfloat16 is half of what bfloat16 costs in precision.
class RunningSum {
 public:
  RunningSum(const torch::Tensor& tokens, bool wide);
  /// What its parts are best in: where oneDNN computes them, float32 costs a product nothing and saves the sum a pass.
  torch::ScalarType type_of_parts() const;
  /// Adds a part, if one was given since the last norm; the LayerNorm of the sum, in the tokens' dtype.
  torch::Tensor normalised(torch::nn::LayerNorm& norm);
  void add(const torch::Tensor& part) { part_ = part; }
  /// The whole sum, in the tokens' dtype.
  torch::Tensor total();

 private:
  torch::ScalarType type_;
  torch::Tensor sum_, part_;
};

/// a * gelu(b), exact GELU, of the halves [a, b] of the last axis. [...,2F] -> [...,F].
torch::Tensor gated_gelu(const torch::Tensor& halves);

}  // namespace lucid::nn
