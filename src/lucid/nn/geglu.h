// SPDX-License-Identifier: Apache-2.0
// The gated GELU of transformer feed-forward layers (GEGLU; Shazeer 2020).
#pragma once

#include <torch/torch.h>

namespace lucid::nn {

/// a * gelu(b), exact GELU, of the halves [a, b] of the last axis. [...,2F] -> [...,F]. First derivatives only.
torch::Tensor gated_gelu(const torch::Tensor& halves);

}  // namespace lucid::nn
