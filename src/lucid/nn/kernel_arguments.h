// SPDX-License-Identifier: Apache-2.0
// A tensor's numbers as the kernels of fused_kernels.h and of cpu/ take them.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/base/error.h"
#include "lucid/nn/kernels/norm_geglu.h"
#include "lucid/nn/kernels/stored_weights.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {

/// Whether the kernels are to compute x.
inline bool has_kernels(const torch::Tensor& x) {
  return !tensor::PlainOperators::wanted() && x.is_cpu() &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16);
}

/// body(number) with a zero of the type that x's numbers have in memory.
template <class Body>
void with_type_of(const torch::Tensor& x, const Body& body) {
  if (x.scalar_type() == torch::kFloat) return body(float{});
  body(kernels::Bfloat16Bits{});
}

template <class T>
T* numbers(const torch::Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

/// As what kernels read weights of this type; none if they do not.
inline std::optional<kernels::StoredType> stored_type(torch::ScalarType type) {
  switch (type) {
    case torch::kFloat:
      return kernels::StoredType::kFloat;
    case torch::kHalf:
      return kernels::StoredType::kHalf;
    case torch::kBFloat16:
      return kernels::StoredType::kBfloat16;
    default:
      return std::nullopt;
  }
}

/// Weights of such a type, without gaps.
inline kernels::StoredWeights as_stored(const torch::Tensor& weight) {
  const std::optional<kernels::StoredType> type = stored_type(weight.scalar_type());
  LUCID_CHECK(type && weight.is_contiguous(), "no such weights");
  return {.numbers = weight.data_ptr(), .type = *type};
}

}  // namespace lucid::nn
