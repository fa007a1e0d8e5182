// SPDX-License-Identifier: Apache-2.0
// The operations between a network's convolutions and matrix products, each in one pass over memory on a CPU in float32
// or bfloat16, with its gradient; elsewhere, and in double precision, libtorch's own. There a bfloat16 norm is several
// passes with copies to float32 and back: a quarter of a training step. First derivatives only.
#pragma once

#include <torch/torch.h>

#include <optional>

namespace lucid::diffusion {

enum class After { kNothing, kSilu };

/// GroupNorm, then SiLU if asked. map [B,C,h,w], best channels-last -> the same, channels-last, in map's dtype.
torch::Tensor normalised(const torch::Tensor& map, torch::nn::GroupNorm& norm, After after = After::kNothing);

/// LayerNorm over the last axis. tokens [...,C] -> the same in their dtype, or in bfloat16.
torch::Tensor normalised(const torch::Tensor& tokens, torch::nn::LayerNorm& norm,
                         std::optional<torch::ScalarType> type = std::nullopt);

/// a * gelu(b), exact GELU, of the halves [a, b] of the last axis. [...,2F] -> [...,F].
torch::Tensor gated_gelu(const torch::Tensor& halves);

}  // namespace lucid::diffusion
