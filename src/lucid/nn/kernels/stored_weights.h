// SPDX-License-Identifier: Apache-2.0
// StoredWeights: a layer's weights in the dtype of the checkpoint. The float32 kernels convert and pack them as they
// multiply, so that no second copy is kept.
#pragma once

namespace lucid::nn::kernels {

enum class StoredType { kFloat, kHalf, kBfloat16 };

/// A contiguous tensor, first axis = output channels.
struct StoredWeights {
  const void* data = nullptr;
  StoredType type = StoredType::kFloat;
};

}  // namespace lucid::nn::kernels
