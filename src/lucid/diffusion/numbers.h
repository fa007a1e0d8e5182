// SPDX-License-Identifier: Apache-2.0
// A tensor's numbers as the kernels of fused_kernels.h and of cpu/ take them.
#pragma once

#include <torch/torch.h>

#include "lucid/base/error.h"
#include "lucid/diffusion/cpu/stored_weights.h"
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

/// Whether kernels read weights of this type as they are stored.
inline bool is_stored_type(torch::ScalarType type) {
  return type == torch::kFloat || type == torch::kHalf || type == torch::kBFloat16;
}

/// Weights of such a type, without gaps.
inline StoredWeights as_stored(const torch::Tensor& weight) {
  LUCID_CHECK(is_stored_type(weight.scalar_type()) && weight.is_contiguous(), "no such weights");
  const torch::ScalarType type = weight.scalar_type();
  return {.numbers = weight.data_ptr(),
          .type = type == torch::kFloat  ? StoredType::kFloat
                  : type == torch::kHalf ? StoredType::kHalf
                                         : StoredType::kBfloat16};
}

}  // namespace lucid::diffusion
