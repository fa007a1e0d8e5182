// SPDX-License-Identifier: Apache-2.0
// The thread-local flag behind ReferenceOpsGuard.
#include "lucid/tensor/reference_ops.h"

#include <algorithm>

namespace lucid::tensor {
namespace {

thread_local bool reference_ops = false;

}  // namespace

ReferenceOpsGuard::ReferenceOpsGuard() : before_(reference_ops) { reference_ops = true; }
ReferenceOpsGuard::~ReferenceOpsGuard() { reference_ops = before_; }
bool ReferenceOpsGuard::active() { return reference_ops; }

bool wants_gradient(std::initializer_list<torch::Tensor> tensors) {
  return torch::GradMode::is_enabled() && std::ranges::any_of(tensors, &torch::Tensor::requires_grad);
}

}  // namespace lucid::tensor
