// SPDX-License-Identifier: Apache-2.0
// See float_linear.h.
#include "lucid/diffusion/float_linear.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <mutex>

#include "lucid/base/error.h"
#include "lucid/diffusion/kernels.h"
#include "lucid/diffusion/last_seen.h"
#include "lucid/diffusion/numbers.h"

namespace lucid::diffusion {
namespace {

using torch::Tensor;

/// From this size on, in bytes, laying weights out anew does not count (measured on Zen 3).
constexpr size_t kLargest = 2 << 20;

/// The one of the fastest kernels in float32; none where oneDNN is faster.
const LinearKernel* kernel_here() {
  for (const Kernels& here : kernels_here()) {
    if (!here.attention->rounds) return here.linear;
  }
  return nullptr;
}

class Kept : public torch::CustomClassHolder {
 public:
  Kept(size_t largest, const LinearKernel* kernel)
      : largest_(std::min(largest, kLargest)), kernel_(kernel != nullptr ? kernel : kernel_here()) {}
  bool takes(const Tensor& weight) const {
    return kernel_ != nullptr && weight.scalar_type() == torch::kFloat && weight.nbytes() <= largest_ &&
           weight.size(0) % kernel_->panel == 0;
  }
  const LinearKernel& kernel() const { return *kernel_; }
  /// [out / panel, in, panel].
  Tensor panels(const Tensor& weight) {
    const std::lock_guard lock(mutex_);
    if (!last_.again(weight)) {
      const torch::NoGradGuard no_grad;
      const int64_t panel = kernel_->panel;
      panels_ = weight.reshape({weight.size(0) / panel, panel, weight.size(1)}).transpose(1, 2).contiguous();
    }
    return panels_;
  }

 private:
  size_t largest_;  // bytes
  const LinearKernel* kernel_;
  std::mutex mutex_;
  LastSeen last_;
  Tensor panels_;
};

Kept& kept_of(const PanelWeights& panels) { return static_cast<Kept&>(*panels); }

}  // namespace

bool has_linear_kernel() { return kernel_here() != nullptr; }

PanelWeights make_panel_weights(size_t largest, const LinearKernel* kernel) {
  return c10::make_intrusive<Kept>(largest, kernel);
}

bool takes_panels(const PanelWeights& panels, const Tensor& weight) { return panels && kept_of(panels).takes(weight); }

Tensor linear_by_panels(const Tensor& x, const Tensor& weight, const Tensor& bias, const PanelWeights& panels) {
  LUCID_CHECK(x.scalar_type() == torch::kFloat && x.is_contiguous() && x.size(-1) == weight.size(1), "no such rows");
  const LinearKernel& kernel = kept_of(panels).kernel();
  const LinearShape shape{.rows = x.numel() / weight.size(1), .in = weight.size(1), .out = weight.size(0)};
  auto sizes = x.sizes().vec();
  sizes.back() = shape.out;
  const Tensor y = torch::empty(sizes, x.options()), weights = kept_of(panels).panels(weight);
  const LinearNumbers all{.x = numbers<float>(x),
                          .weights = numbers<float>(weights),
                          .bias = bias.defined() ? numbers<float>(bias) : nullptr,
                          .y = numbers<float>(y)};
  // Threads share the rows; of few rows the columns, so that no two read the same weights.
  const KernelRange all_rows{.begin = 0, .end = shape.rows}, all_panels{.begin = 0, .end = shape.out / kernel.panel};
  if (shape.rows < at::get_num_threads() * kernel.rows) {
    at::parallel_for(0, all_panels.end, 1, [&](int64_t begin, int64_t end) {
      kernel.multiply(shape, all_rows, {.begin = begin, .end = end}, all);
    });
  } else {
    at::parallel_for(0, shape.rows, kernel.rows, [&](int64_t begin, int64_t end) {
      kernel.multiply(shape, {.begin = begin, .end = end}, all_panels, all);
    });
  }
  return y;
}

}  // namespace lucid::diffusion
