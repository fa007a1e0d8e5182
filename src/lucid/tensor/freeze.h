// SPDX-License-Identifier: Apache-2.0
// freeze(): makes a network ready for inference, in evaluation mode and without gradients of its weights.
#pragma once

#include <torch/torch.h>

namespace lucid::tensor {

/// Sets evaluation mode and requires_grad = false for all parameters. Returns the same module.
template <class Module>
Module freeze(Module module) {
  module->eval();
  for (torch::Tensor& parameter : module->parameters()) parameter.set_requires_grad(false);
  return module;
}

}  // namespace lucid::tensor
