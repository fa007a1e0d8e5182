// SPDX-License-Identifier: Apache-2.0
// See plain.h.
#include "lucid/tensor/reference_ops.h"

#include <algorithm>

namespace lucid::tensor {
namespace {

thread_local bool plain_operators = false;

}  // namespace

PlainOperators::PlainOperators() : before_(plain_operators) { plain_operators = true; }
PlainOperators::~PlainOperators() { plain_operators = before_; }
bool PlainOperators::wanted() { return plain_operators; }

bool wants_gradient(std::initializer_list<torch::Tensor> tensors) {
  return torch::GradMode::is_enabled() && std::ranges::any_of(tensors, &torch::Tensor::requires_grad);
}

}  // namespace lucid::tensor
