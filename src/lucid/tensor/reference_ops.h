// SPDX-License-Identifier: Apache-2.0
// Every operator has a plain form in libtorch's operations, which any device runs, and where a CPU can do better a
// kernel of ours, which must agree with it.
#pragma once

#include <torch/torch.h>

#include <initializer_list>

namespace lucid::tensor {

/// While one lives, this thread's operators take their plain form: for tests and benchmarks. Works like
/// torch::NoGradGuard.
class PlainOperators {
 public:
  PlainOperators();
  ~PlainOperators();
  PlainOperators(const PlainOperators&) = delete;
  PlainOperators& operator=(const PlainOperators&) = delete;
  static bool wanted();

 private:
  bool before_;
};

/// Whether autograd is to record an operation on these: kernels without a gradient then leave it to the plain form.
bool wants_gradient(std::initializer_list<torch::Tensor> tensors);

}  // namespace lucid::tensor
