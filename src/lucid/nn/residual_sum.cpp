// SPDX-License-Identifier: Apache-2.0
// Additions to the residual stream, fused with the next LayerNorm on a GPU.
#include "lucid/nn/residual_sum.h"

#include <utility>

#include "lucid/nn/backends/gpu_ops.h"
#include "lucid/nn/choose.h"

namespace lucid::nn {

using torch::Tensor;

ResidualSum::ResidualSum(const Tensor& tokens, bool in_float32)
    : dtype_(tokens.scalar_type()), sum_(in_float32 ? tokens.to(torch::kFloat) : tokens) {}

torch::ScalarType ResidualSum::branch_dtype() const {
  return sum_.is_cpu() && uses_onednn(dtype_) ? sum_.scalar_type() : dtype_;
}

Tensor ResidualSum::normalise(LayerNorm& norm) {
  const Tensor branch = std::exchange(pending_, Tensor());
  if (branch.defined() && sum_.scalar_type() != dtype_ && gpu::takes_rows(sum_)) {
    // In place: a float32 copy of bfloat16 tokens has no other owner.
    return gpu::layer_norm(sum_, branch, {.weight = norm->weight, .bias = norm->bias, .eps = norm->eps()}, dtype_);
  }
  if (branch.defined()) sum_ = sum_ + branch;
  return norm->forward(sum_, dtype_);
}

Tensor ResidualSum::total() {
  const Tensor branch = std::exchange(pending_, Tensor());
  if (!branch.defined()) return sum_.to(dtype_);
  if (sum_.scalar_type() != dtype_ && gpu::takes_rows(sum_)) return gpu::sum(sum_, branch);
  return (sum_ + branch).to(dtype_);
}

}  // namespace lucid::nn
