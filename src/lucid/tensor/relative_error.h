// SPDX-License-Identifier: Apache-2.0
// How far tests find a tensor off.
#pragma once

#include <torch/torch.h>

namespace lucid::tensor::test {

/// |found - wanted| / |wanted| in the Euclidean norm, in double precision on the CPU.
inline double off(const torch::Tensor& found, const torch::Tensor& wanted) {
  const torch::Tensor exact = wanted.detach().to(torch::kCPU).to(torch::kDouble);
  return ((found.detach().to(torch::kCPU).to(torch::kDouble) - exact).norm() / exact.norm()).item<double>();
}

}  // namespace lucid::tensor::test
