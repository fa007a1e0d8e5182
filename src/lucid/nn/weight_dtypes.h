// SPDX-License-Identifier: Apache-2.0
// What a file's weights become.
#pragma once

#include <torch/torch.h>

namespace lucid::nn {

struct WeightTypes {
  // NOLINTNEXTLINE(google-explicit-constructor): a type is one, of all
  WeightTypes(torch::ScalarType of_all = torch::kFloat) : precision(of_all) {}
  WeightTypes(torch::ScalarType of_most, bool half_too) : precision(of_most), half_stays(half_too) {}

  torch::ScalarType precision;  // but norms are in float32
  /// Where all else is float32, float16 and bfloat16 stay so in the layers whose kernels on a CPU read them
  /// (laid_out.h): the same numbers in half the memory, or none beside the file's.
  bool half_stays = false;
};

}  // namespace lucid::nn
