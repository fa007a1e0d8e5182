// SPDX-License-Identifier: Apache-2.0
// WeightDtypes: the dtypes in which the weights of a checkpoint are loaded.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {

struct WeightDtypes {
  // NOLINTNEXTLINE(google-explicit-constructor): one dtype stands for all weights
  WeightDtypes(torch::ScalarType all = torch::kFloat) : dtype(all) {}
  WeightDtypes(torch::ScalarType operands, bool keep_16_bit_weights)
      : dtype(operands), keep_16_bit(keep_16_bit_weights) {}

  /// Of all weights but the norms', which are float32.
  torch::ScalarType dtype;
  /// If dtype is float32: float16 and bfloat16 weights stay as the file has them in the layers whose CPU kernels read
  /// them (Layer::reads_16_bit_weights). The values are the same, in half the memory, or in the file's own mapping.
  bool keep_16_bit = false;
};

}  // namespace lucid::nn
