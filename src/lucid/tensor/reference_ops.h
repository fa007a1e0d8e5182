// SPDX-License-Identifier: Apache-2.0
// ReferenceOpsGuard: switches a thread to the reference form of every operator of nn/, which uses only libtorch's
// operations. It runs on any device, and the kernels of nn/ must agree with it.
#pragma once

#include <torch/torch.h>

#include <initializer_list>

namespace lucid::tensor {

/// RAII guard for tests and benchmarks; nests, as torch::NoGradGuard does.
class ReferenceOpsGuard {
 public:
  ReferenceOpsGuard();
  ~ReferenceOpsGuard();
  ReferenceOpsGuard(const ReferenceOpsGuard&) = delete;
  ReferenceOpsGuard& operator=(const ReferenceOpsGuard&) = delete;
  /// Whether this thread has one.
  static bool active();

 private:
  bool before_;
};

/// Whether autograd records operations on any of these tensors. Kernels without a gradient are not used then.
bool wants_gradient(std::initializer_list<torch::Tensor> tensors);

}  // namespace lucid::tensor
