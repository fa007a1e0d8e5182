// SPDX-License-Identifier: Apache-2.0
// Tensors as arguments of the CPU kernels (kernels/): data pointers and dtypes.
#pragma once

#include <torch/torch.h>

#include <optional>

#include "lucid/base/error.h"
#include "lucid/nn/kernels/norm_geglu.h"
#include "lucid/nn/kernels/stored_weights.h"

namespace lucid::nn {

/// Calls body(zero) with a zero of the C++ type of x's elements: float or Bfloat16Bits.
template <class Body>
void dispatch_dtype(const torch::Tensor& x, const Body& body) {
  if (x.scalar_type() == torch::kFloat) return body(float{});
  body(kernels::Bfloat16Bits{});
}

template <class T>
T* data(const torch::Tensor& x) {
  return static_cast<T*>(x.data_ptr());
}

/// The dtype of a weight as the kernels name it; none if no kernel reads such weights.
inline std::optional<kernels::StoredType> stored_type(torch::ScalarType dtype) {
  switch (dtype) {
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

/// `weight` must be contiguous and of a dtype that stored_type() knows.
inline kernels::StoredWeights stored_weights(const torch::Tensor& weight) {
  const std::optional<kernels::StoredType> type = stored_type(weight.scalar_type());
  LUCID_CHECK(type && weight.is_contiguous(), "no kernel reads this weight");
  return {.data = weight.data_ptr(), .type = *type};
}

}  // namespace lucid::nn
