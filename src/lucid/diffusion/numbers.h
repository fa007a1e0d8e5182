// SPDX-License-Identifier: Apache-2.0
// A tensor's numbers as the kernels of fused_kernels.h take them.
#pragma once

#include <torch/torch.h>

#include "lucid/diffusion/fused_kernels.h"
#include "lucid/diffusion/plain.h"

namespace lucid::diffusion {

/// Whether the kernels are to compute x.
inline bool has_kernels(const torch::Tensor& x) {
  return !PlainOperators::wanted() && x.is_cpu() &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16);
}

/// body(number) with a zero of the type that x's numbers have in memory.
template <class Body>
void with_type_of(const torch::Tensor& x, const Body& body) {
  if (x.scalar_type() == torch::kFloat) return body(float{});
  body(Bfloat16Bits{});
}

template <class T>
T* numbers(const torch::Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

}  // namespace lucid::diffusion
