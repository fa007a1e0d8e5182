// SPDX-License-Identifier: Apache-2.0
// Exceptions of the CUDA backend: no device, and the NaN or Inf that a kernel found, with the CPU backend's message.
#include "lucid/render/cuda/errors.h"

#include <limits>

#include "lucid/base/error.h"
#include "lucid/render/inputs.h"

namespace lucid::render::cuda {

void throw_no_cuda(const char* what, const char* hint) {
  throw UserError(UserMistake{.what_happened = what, .hint = hint});
}

void throw_not_finite(uint64_t packed, int64_t rows, int sh_degree) {
  constexpr double kValues[] = {std::numeric_limits<double>::quiet_NaN(), -std::numeric_limits<double>::quiet_NaN(),
                                std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  CloudView<float> cloud;
  cloud.sh_degree = sh_degree;
  const auto tensor = tensors_of(cloud).at(packed >> 56);
  throw_not_finite_element(tensor.name, kValues[packed & 3], int64_t(packed << 8 >> 10), rows, tensor.columns);
}

}  // namespace lucid::render::cuda
