// SPDX-License-Identifier: Apache-2.0
// See float_linear.h.
#include "lucid/nn/float_linear.h"

#include <ATen/Parallel.h>

#include "lucid/base/error.h"
#include "lucid/nn/kernel_arguments.h"
#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

/// From this size on, in bytes, the libraries are as fast (measured on Zen 3).
constexpr size_t kLargest = 2 << 20;

/// The fastest float32 kernels here.
const kernels::Kernels& kernels_of_floats() {
  for (const kernels::Kernels& here : kernels::kernels_here()) {
    if (here.linear != nullptr) return here;
  }
  LUCID_CHECK(false, "no kernel for every processor");
}

}  // namespace

bool float_linear_outdoes_libraries() { return kernels_of_floats().linear_outdoes_libraries; }

bool takes_float_linear(const Tensor& weight) {
  const kernels::Kernels& here = kernels_of_floats();
  const std::optional<kernels::StoredType> type = stored_type(weight.scalar_type());
  if (!type || weight.size(0) % here.linear->panel != 0) return false;
  return *type != kernels::StoredType::kFloat || (here.linear_outdoes_libraries && weight.nbytes() <= kLargest);
}

Tensor float_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const kernels::LinearKernel* chosen) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous() && x.size(-1) == weight.size(1), "no such rows");
  const kernels::LinearKernel& kernel = chosen != nullptr ? *chosen : *kernels_of_floats().linear;
  const kernels::LinearShape shape{.rows = x.numel() / weight.size(1), .in = weight.size(1), .out = weight.size(0)};
  auto sizes = x.sizes().vec();
  sizes.back() = shape.out;
  const Tensor y = torch::empty(sizes, x.options()), weights = weight.contiguous();
  const kernels::LinearNumbers all{.x = numbers<float>(x),
                                   .weights = as_stored(weights),
                                   .bias = bias.defined() ? numbers<float>(bias) : nullptr,
                                   .y = numbers<float>(y)};
  const auto multiply = [&](const kernels::KernelRange& rows, const kernels::KernelRange& panels) {
    const Tensor scratch = torch::empty({kernel.scratch});
    kernel.multiply(shape, rows, panels, all, numbers<float>(scratch));
  };
  // Threads share the rows; of few rows the columns, so that no two read the same weights.
  const kernels::KernelRange all_rows{.begin = 0, .end = shape.rows},
      all_panels{.begin = 0, .end = shape.out / kernel.panel};
  if (shape.rows < at::get_num_threads() * kernel.rows) {
    at::parallel_for(0, all_panels.end, 1,
                     [&](int64_t begin, int64_t end) { multiply(all_rows, {.begin = begin, .end = end}); });
  } else {
    at::parallel_for(0, shape.rows, kernel.rows,
                     [&](int64_t begin, int64_t end) { multiply({.begin = begin, .end = end}, all_panels); });
  }
  return y;
}

}  // namespace lucid::nn
