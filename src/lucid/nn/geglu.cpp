// SPDX-License-Identifier: Apache-2.0
// The gated GELU and its gradient by CPU kernels, by GPU kernels, or in libtorch's operations.
#include "lucid/nn/geglu.h"

#include <ATen/Parallel.h>

#include <algorithm>

#include "lucid/nn/backends/gpu_ops.h"
#include "lucid/nn/backends/kernel_arguments.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/kernels/norm_geglu.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

using tensor::wants_gradient;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Rows per thread, at least: less work does not pay for starting it.
int64_t grain_of(int64_t width) { return std::max<int64_t>(1, (1 << 13) / width); }

struct GegluFunction : torch::autograd::Function<GegluFunction> {
  static Tensor value(const Tensor& ab) {
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    auto sizes = ab.sizes().vec();
    sizes.back() = width;
    const Tensor y = torch::empty(sizes, ab.options());
    dispatch_dtype(ab, [&](auto zero) {
      using T = decltype(zero);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        kernels::geglu_forward<T>(end - begin, width, data<T>(ab) + 2 * begin * width, data<T>(y) + begin * width);
      });
    });
    return y;
  }
  static Tensor forward(AutogradContext* context, const Tensor& ab) {
    context->save_for_backward({ab});
    return value(ab);
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const Tensor ab = context->get_saved_variables()[0];
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    const Tensor gradient = d_y[0].to(ab.scalar_type()).contiguous();
    const Tensor d_ab = torch::empty_like(ab);
    dispatch_dtype(ab, [&](auto zero) {
      using T = decltype(zero);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        kernels::geglu_backward<T>(end - begin, width, data<T>(ab) + 2 * begin * width,
                                   data<T>(gradient) + begin * width, data<T>(d_ab) + 2 * begin * width);
      });
    });
    return {d_ab};
  }
};

}  // namespace

Tensor gated_gelu(const Tensor& halves) {
  if (gpu::takes_halves(halves)) return gpu::gated_gelu(halves);
  if (!uses_cpu_kernels(halves)) {
    const auto ab = halves.chunk(2, -1);
    return ab[0] * torch::gelu(ab[1]);
  }
  const Tensor ab = halves.contiguous();
  return wants_gradient({ab}) ? GegluFunction::apply(ab) : GegluFunction::value(ab);
}

}  // namespace lucid::nn
