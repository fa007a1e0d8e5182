// SPDX-License-Identifier: Apache-2.0
// Linear layers by a LinearKernel: argument checks, and the division of rows or columns among threads.
#include "lucid/nn/backends/panel_linear.h"

#include <ATen/Parallel.h>

#include "lucid/base/error.h"
#include "lucid/nn/backends/kernel_arguments.h"
#include "lucid/nn/kernels/kernels.h"

namespace lucid::nn {

using torch::Tensor;

Tensor panel_linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const kernels::LinearKernel& kernel) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous() && x.size(-1) == weight.size(1),
              "rows of {} float32 elements for a weight with {} inputs", x.size(-1), weight.size(1));
  const kernels::LinearShape shape{.rows = x.numel() / weight.size(1), .in = weight.size(1), .out = weight.size(0)};
  auto sizes = x.sizes().vec();
  sizes.back() = shape.out;
  const Tensor y = torch::empty(sizes, x.options()), weights = weight.contiguous();
  const kernels::LinearArguments arguments{.x = data<float>(x),
                                           .weights = stored_weights(weights),
                                           .bias = bias.defined() ? data<float>(bias) : nullptr,
                                           .y = data<float>(y)};
  const auto multiply = [&](const kernels::KernelRange& rows, const kernels::KernelRange& panels) {
    const Tensor scratch = torch::empty({kernel.scratch});
    kernel.multiply(shape, rows, panels, arguments, data<float>(scratch));
  };
  // Threads share the rows; if there are few, they share the columns, so that no two read the same weights.
  const kernels::KernelRange all_rows{.begin = 0, .end = shape.rows},
      all_panels{.begin = 0, .end = shape.out / kernel.panel};
  if (shape.rows < at::get_num_threads() * kernel.row_block) {
    at::parallel_for(0, all_panels.end, 1,
                     [&](int64_t begin, int64_t end) { multiply(all_rows, {.begin = begin, .end = end}); });
  } else {
    at::parallel_for(0, shape.rows, kernel.row_block,
                     [&](int64_t begin, int64_t end) { multiply({.begin = begin, .end = end}, all_panels); });
  }
  return y;
}

}  // namespace lucid::nn
