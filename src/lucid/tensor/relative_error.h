// SPDX-License-Identifier: Apache-2.0
// Error measures of tests and benchmarks, in double precision on the CPU.
#pragma once

#include <torch/torch.h>

#include <limits>

namespace lucid::tensor {

/// |found - wanted| / |wanted| in the Euclidean norm, or |found| if wanted is 0; infinity if the shapes differ.
inline double relative_error(const torch::Tensor& found, const torch::Tensor& wanted) {
  if (found.sizes() != wanted.sizes()) return std::numeric_limits<double>::infinity();
  const torch::Tensor exact = wanted.detach().to(torch::kCPU).to(torch::kDouble);
  const torch::Tensor difference = found.detach().to(torch::kCPU).to(torch::kDouble) - exact;
  const double scale = exact.norm().item<double>(), error = difference.norm().item<double>();
  return scale > 0 ? error / scale : error;
}

/// max|found - wanted| / max|wanted|, or max|found| if wanted is 0. A NaN gives NaN, which passes no limit.
inline double relative_max_error(const torch::Tensor& found, const torch::Tensor& wanted) {
  const torch::Tensor exact = wanted.detach().to(torch::kDouble);
  const double scale = exact.abs().max().item<double>();
  return (found.detach().to(torch::kDouble) - exact).abs().max().item<double>() / (scale > 0 ? scale : 1);
}

}  // namespace lucid::tensor
