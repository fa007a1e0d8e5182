// SPDX-License-Identifier: Apache-2.0
// A layer's weights as the float32 kernels read them: as they were loaded, and laid out where they are multiplied.
#pragma once

namespace lucid::diffusion {

/// Rows without gaps: float32, or float16, half the bytes, which the kernels widen.
struct StoredWeights {
  const void* numbers = nullptr;
  bool half = false;
};

}  // namespace lucid::diffusion
