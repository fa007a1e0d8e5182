// SPDX-License-Identifier: Apache-2.0
// A layer's weights as the float32 kernels read them: as they were loaded, and laid out where they are multiplied.
#pragma once

namespace lucid::nn::kernels {

/// Numbers of 16 bits, half the bytes of float32, are widened by the kernels.
enum class StoredType { kFloat, kHalf, kBfloat16 };

/// Rows without gaps.
struct StoredWeights {
  const void* numbers = nullptr;
  StoredType type = StoredType::kFloat;
};

}  // namespace lucid::nn::kernels
