// SPDX-License-Identifier: Apache-2.0
// ReferenceOpsGuard: switches a thread to the reference form of every operator, which is libtorch's own operations.
// They run on any device; the kernels of nn/ must agree with them.
#pragma once

#include <torch/torch.h>

#include <initializer_list>

namespace lucid::tensor {

/// While one lives, this thread's operators take their reference form; for tests and benchmarks. Nests, as
/// torch::NoGradGuard does.
class ReferenceOpsGuard {
 public:
  ReferenceOpsGuard();
  ~ReferenceOpsGuard();
  ReferenceOpsGuard(const ReferenceOpsGuard&) = delete;
  ReferenceOpsGuard& operator=(const ReferenceOpsGuard&) = delete;
  static bool active();

 private:
  bool before_;
};

/// Whether autograd records operations on any of these tensors. Kernels without a gradient are not used then.
bool wants_gradient(std::initializer_list<torch::Tensor> tensors);

}  // namespace lucid::tensor
