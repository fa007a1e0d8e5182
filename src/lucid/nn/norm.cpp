// SPDX-License-Identifier: Apache-2.0
// See fused.h: chooses between libtorch's operations and fused_kernels.h, and gives autograd the backward.
#include "lucid/nn/norm.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/conv2d.h"
#include "lucid/nn/cpu_norm.h"
#include "lucid/nn/gpu_ops.h"
#include "lucid/nn/kernel_arguments.h"
#include "lucid/nn/layers.h"
#include "lucid/nn/linear.h"

namespace lucid::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const NormOptions& options) {
    const Normed result = norm_of(x, weight, bias, options, x.scalar_type());
    context->save_for_backward({x, weight, bias, result.mean, result.inverse_deviation});
    const kernels::NormShape& shape = options.shape;
    context->saved_data["shape"] = std::vector<int64_t>{shape.samples, shape.rows, shape.channels, shape.groups};
    context->saved_data["silu"] = options.silu;
    return result.y;
  }

  static variable_list backward(AutogradContext* context, variable_list up) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto sizes = context->saved_data["shape"].toIntVector();
    const NormOptions options{
        .shape = {.samples = sizes[0], .rows = sizes[1], .channels = sizes[2], .groups = sizes[3]},
        .silu = context->saved_data["silu"].toBool()};
    const Tensor dy = up[0].to(x.scalar_type()).contiguous(x.suggest_memory_format());
    const NormGradient d =
        norm_gradient(x, dy, weight, bias, {.mean = saved[3], .inverse_deviation = saved[4]}, options);
    return {d.x, d.weight, d.bias, {}};
  }
};

// x in the memory of options.shape.
Tensor normed_by_kernels(const Tensor& x, const Tensor& weight, const Tensor& bias, const NormOptions& options,
                         torch::ScalarType type) {
  const Tensor w = weight.to(torch::kFloat), b = bias.to(torch::kFloat);
  if (!tensor::wants_gradient({x, w, b})) return norm_of(x, w, b, options, type).y;
  return NormFunction::apply(x, w, b, options).to(type);
}

// libtorch's norms take weights of their input's type, and want float32: their sums in bfloat16 are wrong for large
// maps.
template <class Norm>
Tensor normed(const Tensor& x, Norm& norm) {
  return norm(x.to(norm->weight.scalar_type())).to(x.scalar_type());
}

torch::ScalarType type_of_norm(const Tensor& x, std::optional<torch::ScalarType> asked) {
  const torch::ScalarType type = asked.value_or(x.scalar_type());
  LUCID_CHECK(type == x.scalar_type() || type == torch::kBFloat16, "no norm gives {}", c10::toString(type));
  return type;
}

// Rows of ab that are worth another thread.
int64_t grain_of(int64_t width) { return std::max<int64_t>(1, (1 << 13) / width); }

struct GegluFunction : torch::autograd::Function<GegluFunction> {
  static Tensor value(const Tensor& ab) {
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    auto sizes = ab.sizes().vec();
    sizes.back() = width;
    const Tensor y = torch::empty(sizes, ab.options());
    with_type_of(ab, [&](auto number) {
      using T = decltype(number);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        kernels::geglu_forward<T>(end - begin, width, numbers<T>(ab) + 2 * begin * width,
                                  numbers<T>(y) + begin * width);
      });
    });
    return y;
  }
  static Tensor forward(AutogradContext* context, const Tensor& ab) {
    context->save_for_backward({ab});
    return value(ab);
  }
  static variable_list backward(AutogradContext* context, variable_list up) {
    const Tensor ab = context->get_saved_variables()[0];
    const int64_t width = ab.size(-1) / 2, rows = ab.numel() / (2 * width);
    const Tensor dy = up[0].to(ab.scalar_type()).contiguous();
    const Tensor dab = torch::empty_like(ab);
    with_type_of(ab, [&](auto number) {
      using T = decltype(number);
      at::parallel_for(0, rows, grain_of(width), [&](int64_t begin, int64_t end) {
        kernels::geglu_backward<T>(end - begin, width, numbers<T>(ab) + 2 * begin * width,
                                   numbers<T>(dy) + begin * width, numbers<T>(dab) + 2 * begin * width);
      });
    });
    return {dab};
  }
};

}  // namespace

Biased convolved(torch::nn::Conv2d& conv, const Tensor& x) {
  const Tensor &weight = conv->weight, &bias = conv->bias;
  // A CPU's convolutions add their bias as they write.
  if (!gpu::takes(x, weight.size(0)) || tensor::wants_gradient({weight, bias})) return {applied(conv, x), {}};
  const Tensor map = torch::conv2d(x, weight, {}, /*stride=*/1, /*padding=*/weight.size(2) / 2);
  return {map, bias.to(map.scalar_type())};
}

Biased convolved(torch::nn::Conv2d& conv, const Biased& x, torch::nn::GroupNorm& norm) {
  if (takes_norm(conv, x.map)) {
    LUCID_CHECK(!x.bias.defined(), "a CPU's map has its bias");
    return {applied(conv, x.map, {.norm = &norm}), {}};
  }
  return convolved(conv, normalised(x, norm, After::kSilu));
}

Biased with_more(const Biased& x, const Tensor& more) {
  if (!x.bias.defined()) return {x.map + more.unsqueeze(-1).unsqueeze(-1), {}};
  return {x.map, x.bias + more};
}

Tensor whole(const Biased& x) { return x.bias.defined() ? with_more({.map = x.map}, x.bias).map : x.map; }

Tensor sum_of(const Biased& a, const Biased& b) {
  if (!a.bias.defined() && !b.bias.defined()) return a.map + b.map;
  return gpu::sum_of_maps(a.map, b.map, a.bias, b.bias);
}

Tensor normalised(const Biased& x, torch::nn::GroupNorm& norm, After after, std::optional<torch::ScalarType> type) {
  const torch::ScalarType wanted = type_of_norm(x.map, type);
  if (gpu::takes_groups(x.map, norm->options.num_groups())) {
    return gpu::group_norm(x.map, x.bias, norm, after == After::kSilu).to(wanted);
  }
  const Tensor map = whole(x);
  if (!has_kernels(map)) {
    const Tensor y = normed(map, norm);
    return (after == After::kSilu ? activate(y) : y).to(wanted);
  }
  const NormOptions options = of_groups(map, norm->options.num_groups(), norm->options.eps(), after == After::kSilu);
  return normed_by_kernels(map.contiguous(torch::MemoryFormat::ChannelsLast), norm->weight, norm->bias, options,
                           wanted);
}

Tensor normalised(const Tensor& tokens, torch::nn::LayerNorm& norm, std::optional<torch::ScalarType> type) {
  const torch::ScalarType wanted = type_of_norm(tokens, type);
  if (gpu::takes_rows(tokens) && !tensor::wants_gradient({norm->weight})) {
    return gpu::layer_norm(tokens, {}, norm, wanted);
  }
  if (!has_kernels(tokens)) return normed(tokens, norm).to(wanted);
  const int64_t channels = tokens.size(-1);
  const NormOptions options{
      .shape = {.samples = tokens.numel() / channels, .rows = 1, .channels = channels, .groups = 1},
      .eps = static_cast<float>(norm->options.eps())};
  return normed_by_kernels(tokens.contiguous(), norm->weight, norm->bias, options, wanted);
}

RunningSum::RunningSum(const Tensor& tokens, bool wide)
    : type_(tokens.scalar_type()), sum_(wide ? tokens.to(torch::kFloat) : tokens) {}

torch::ScalarType RunningSum::type_of_parts() const {
  return sum_.is_cpu() && asks_onednn(type_) ? sum_.scalar_type() : type_;
}

Tensor RunningSum::normalised(torch::nn::LayerNorm& norm) {
  const Tensor part = std::exchange(part_, Tensor());
  if (part.defined() && sum_.scalar_type() != type_ && gpu::takes_rows(sum_)) {
    return gpu::layer_norm(sum_, part, norm, type_);  // a wide sum is nobody else's
  }
  if (part.defined()) sum_ = sum_ + part;
  return nn::normalised(sum_, norm, type_);
}

Tensor RunningSum::total() {
  const Tensor part = std::exchange(part_, Tensor());
  if (!part.defined()) return sum_.to(type_);
  if (sum_.scalar_type() != type_ && gpu::takes_rows(sum_)) return gpu::sum(sum_, part);
  return (sum_ + part).to(type_);
}

Tensor gated_gelu(const Tensor& halves) {
  if (gpu::takes_halves(halves)) return gpu::gated_gelu(halves);
  if (!has_kernels(halves)) {
    const auto ab = halves.chunk(2, -1);
    return ab[0] * torch::gelu(ab[1]);
  }
  const Tensor ab = halves.contiguous();
  return tensor::wants_gradient({ab}) ? GegluFunction::apply(ab) : GegluFunction::value(ab);
}

}  // namespace lucid::nn
