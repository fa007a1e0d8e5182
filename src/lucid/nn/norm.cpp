// SPDX-License-Identifier: Apache-2.0
// Norms: the kernel is chosen by device and dtype; CPU kernels get their autograd function here.
#include "lucid/nn/norm.h"

#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/backends/cpu_norm.h"
#include "lucid/nn/backends/gpu_ops.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layout.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

using tensor::wants_gradient;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct CpuNormFunction : torch::autograd::Function<CpuNormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const NormOptions& options) {
    const Normed result = norm_forward(x, weight, bias, options, x.scalar_type());
    context->save_for_backward({x, weight, bias, result.mean, result.inverse_deviation});
    const kernels::NormShape& shape = options.shape;
    context->saved_data["shape"] = std::vector<int64_t>{shape.samples, shape.rows, shape.channels, shape.groups};
    context->saved_data["silu"] = options.silu;
    return result.y;
  }

  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &x = saved[0], &weight = saved[1], &bias = saved[2];
    const auto sizes = context->saved_data["shape"].toIntVector();
    const NormOptions options{
        .shape = {.samples = sizes[0], .rows = sizes[1], .channels = sizes[2], .groups = sizes[3]},
        .silu = context->saved_data["silu"].toBool()};
    const Tensor gradient = d_y[0].to(x.scalar_type()).contiguous(x.suggest_memory_format());
    const NormGradient d =
        norm_backward(x, gradient, weight, bias, {.mean = saved[3], .inverse_deviation = saved[4]}, options);
    return {d.x, d.weight, d.bias, {}};
  }
};

/// x lies in memory as options.shape says.
Tensor norm_by_cpu_kernels(const Tensor& x, const Tensor& weight, const Tensor& bias, const NormOptions& options,
                           torch::ScalarType dtype) {
  const Tensor w = weight.to(torch::kFloat), b = bias.to(torch::kFloat);
  if (!wants_gradient({x, w, b})) return norm_forward(x, w, b, options, dtype).y;
  return CpuNormFunction::apply(x, w, b, options).to(dtype);
}

torch::ScalarType output_dtype(const Tensor& x, std::optional<torch::ScalarType> asked) {
  const torch::ScalarType dtype = asked.value_or(x.scalar_type());
  LUCID_CHECK(dtype == x.scalar_type() || dtype == torch::kBFloat16,
              "a norm's output is bfloat16 or in its input's dtype, not {}", c10::toString(dtype));
  return dtype;
}

}  // namespace

GroupNormImpl::GroupNormImpl(int64_t groups, int64_t channels, double eps)
    : weight(register_parameter("weight", torch::ones(channels))),
      bias(register_parameter("bias", torch::zeros(channels))),
      groups_(groups),
      eps_(eps) {
  LUCID_CHECK(groups > 0 && channels % groups == 0, "{} channels in {} groups", channels, groups);
}

Tensor GroupNormImpl::run(const BiasedMap& x, bool silu, std::optional<torch::ScalarType> dtype) {
  const torch::ScalarType wanted = output_dtype(x.map, dtype);
  if (gpu::takes_groups(x.map, groups_)) {
    return gpu::group_norm(x.map, x.bias, {.weight = weight, .bias = bias, .eps = eps_}, {groups_, silu}).to(wanted);
  }
  const Tensor map = materialise(x);
  if (!uses_cpu_kernels(map)) {
    // libtorch's norms take parameters of their input's dtype, and these are float32.
    const Tensor y = torch::group_norm(map.to(weight.scalar_type()), groups_, weight, bias, eps_).to(map.scalar_type());
    return (silu ? silu_in_place(y) : y).to(wanted);
  }
  const NormOptions options = group_norm_options(map, groups_, eps_, silu);
  return norm_by_cpu_kernels(map.contiguous(torch::MemoryFormat::ChannelsLast), weight, bias, options, wanted);
}

Tensor GroupNormImpl::forward(const Tensor& map, std::optional<torch::ScalarType> dtype) {
  return run(map, /*silu=*/false, dtype);
}

Tensor GroupNormImpl::forward_silu(const BiasedMap& map) { return run(map, /*silu=*/true, std::nullopt); }

LayerNormImpl::LayerNormImpl(int64_t channels, double eps)
    : weight(register_parameter("weight", torch::ones(channels))),
      bias(register_parameter("bias", torch::zeros(channels))),
      eps_(eps) {}

Tensor LayerNormImpl::forward(const Tensor& tokens, std::optional<torch::ScalarType> dtype) {
  const torch::ScalarType wanted = output_dtype(tokens, dtype);
  if (gpu::takes_rows(tokens) && !wants_gradient({weight})) {
    return gpu::layer_norm(tokens, {}, {.weight = weight, .bias = bias, .eps = eps_}, wanted);
  }
  if (!uses_cpu_kernels(tokens)) {
    return torch::layer_norm(tokens.to(weight.scalar_type()), {weight.size(0)}, weight, bias, eps_)
        .to(tokens.scalar_type())
        .to(wanted);
  }
  const int64_t channels = tokens.size(-1);
  const NormOptions options{
      .shape = {.samples = tokens.numel() / channels, .rows = 1, .channels = channels, .groups = 1},
      .eps = static_cast<float>(eps_)};
  return norm_by_cpu_kernels(tokens.contiguous(), weight, bias, options, wanted);
}

}  // namespace lucid::nn
