// SPDX-License-Identifier: Apache-2.0
// GPU operators: conversion of tensors to kernel arguments (cuda/device_kernels.h), scratch memory, autograd functions.
#include "lucid/nn/backends/gpu_ops.h"

#include <vector>

#include "lucid/base/error.h"
#include "lucid/nn/cuda/device_kernels.h"
#include "lucid/tensor/cuda_stream.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn::gpu {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kVecSize = 8;  // channels that a thread loads at once
constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast;

/// Whether there are kernels for x's device and dtype.
bool takes_dtype(const Tensor& x) {
  return x.is_cuda() && cuda::has_kernels() && !tensor::ReferenceOpsGuard::active() &&
         (x.scalar_type() == torch::kFloat || x.scalar_type() == torch::kBFloat16);
}
cuda::Dtype dtype_of(torch::ScalarType type) {
  return type == torch::kFloat ? cuda::Dtype::kFloat : cuda::Dtype::kBfloat16;
}
const void* data_of(const Tensor& x) { return x.defined() ? x.data_ptr() : nullptr; }

kernels::NormShape shape_of(const Tensor& map, int64_t groups) {
  return {.samples = map.size(0), .rows = map.size(2) * map.size(3), .channels = map.size(1), .groups = groups};
}

struct NormOptions {
  int64_t groups = 0;
  double eps = 0;
  bool silu = false;
  Tensor shift = {};  // an option, since an input of an autograd function cannot be undefined
};

cuda::GroupNormCall call_of(const Tensor& map, const Tensor& weight, const Tensor& bias, const NormOptions& options) {
  const Tensor& shift = options.shift;
  return {.dtype = dtype_of(map.scalar_type()),
          .shape = shape_of(map, options.groups),
          .x = map.data_ptr(),
          .weight = weight.data_ptr<float>(),
          .bias = bias.data_ptr<float>(),
          .shift = data_of(shift),
          .shift_stride = shift.defined() && shift.dim() == 2 ? map.size(1) : 0,
          .eps = static_cast<float>(options.eps),
          .silu = options.silu};
}

/// Scratch memory of the GroupNorm kernels, together with the statistics tensor of the caller.
class Scratch {
 public:
  Scratch(const Tensor& map, int64_t groups, const Tensor& statistics)
      : sums_(floats(map, {cuda::group_norm_sums_size(shape_of(map, groups))})),
        coefficients_(floats(map, {map.size(0), 2, map.size(1)})),
        statistics_(statistics) {}
  cuda::GroupNormScratch pointers() const {
    return {.sums = sums_.data_ptr<float>(),
            .coefficients = coefficients_.data_ptr<float>(),
            .statistics = statistics_.data_ptr<float>()};
  }
  static Tensor floats(const Tensor& like, at::IntArrayRef sizes) {
    return torch::empty(sizes, like.options().dtype(torch::kFloat).memory_format(torch::MemoryFormat::Contiguous));
  }

 private:
  Tensor sums_, coefficients_, statistics_;
};

struct Normed {
  Tensor y, statistics;
};
Normed forward_of(const Tensor& map, const Tensor& weight, const Tensor& bias, const NormOptions& options) {
  const Normed result{.y = torch::empty_like(map),
                      .statistics = Scratch::floats(map, {map.size(0), options.groups, 2})};
  const Scratch scratch(map, options.groups, result.statistics);
  cuda::group_norm_forward(call_of(map, weight, bias, options), scratch.pointers(), result.y.data_ptr(),
                           tensor::current_cuda_stream());
  return result;
}

struct NormFunction : torch::autograd::Function<NormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& map, const Tensor& weight, const Tensor& bias,
                        const NormOptions& options) {
    const Normed result = forward_of(map, weight, bias, options);
    context->save_for_backward({map, weight, bias, result.statistics});
    if (options.shift.defined()) context->saved_data["shift"] = options.shift;
    context->saved_data["groups"] = options.groups;
    context->saved_data["eps"] = options.eps;
    context->saved_data["silu"] = options.silu;
    return result.y;
  }
  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const Tensor &map = saved[0], &weight = saved[1], &bias = saved[2], &statistics = saved[3];
    auto& data = context->saved_data;
    const NormOptions options{.groups = data["groups"].toInt(),
                              .eps = data["eps"].toDouble(),
                              .silu = data["silu"].toBool(),
                              .shift = data.find("shift") != data.end() ? data["shift"].toTensor() : Tensor()};
    const Tensor gradient = d_y[0].to(map.scalar_type()).contiguous(kChannelsLast);
    const Tensor d_x = torch::empty_like(map), totals = Scratch::floats(map, {map.size(0), 2, map.size(1)});
    const Scratch scratch(map, options.groups, statistics);
    cuda::group_norm_backward(call_of(map, weight, bias, options), scratch.pointers(), gradient.data_ptr(),
                              totals.data_ptr<float>(), d_x.data_ptr(), tensor::current_cuda_stream());
    if (!weight.requires_grad() && !bias.requires_grad()) return {d_x, {}, {}, {}};
    const Tensor sums = totals.sum(0);
    return {d_x, sums[1], sums[0], {}};
  }
};

struct Biases {
  Tensor a = {}, b = {};  // undefined: none
};
void sum_into(const Tensor& y, const Tensor& a, const Tensor& b, const Biases& biases, int64_t channels) {
  cuda::sum({.a_dtype = dtype_of(a.scalar_type()),
             .dtype = dtype_of(b.scalar_type()),
             .rows = b.numel() / channels,
             .channels = static_cast<int>(channels),
             .a = a.data_ptr(),
             .b = b.data_ptr(),
             .bias = data_of(biases.a),
             .other_bias = data_of(biases.b),
             .y = y.data_ptr()},
            tensor::current_cuda_stream());
}

Tensor sum_of_maps(const Tensor& a, const Tensor& b, const Biases& biases) {
  const Tensor y = torch::empty_like(b);
  sum_into(y, a, b, biases, b.size(1));
  return y;
}
struct SumFunction : torch::autograd::Function<SumFunction> {
  static Tensor forward(AutogradContext* /*context*/, const Tensor& a, const Tensor& b, const Biases& biases) {
    return sum_of_maps(a, b, biases);
  }
  static variable_list backward(AutogradContext* /*context*/, variable_list d_y) { return {d_y[0], d_y[0], {}}; }
};

}  // namespace

bool takes(const Tensor& x, int64_t channels) { return takes_dtype(x) && x.numel() > 0 && channels % kVecSize == 0; }

bool takes_groups(const Tensor& map, int64_t groups) {
  return takes(map, map.size(1)) && map.size(1) / groups <= cuda::kMaxGroupChannels &&
         map.size(2) * map.size(3) <= INT32_MAX / 8;
}

bool takes_rows(const Tensor& tokens) {
  const int64_t channels = tokens.size(-1);
  return takes(tokens, channels) && channels <= cuda::kMaxRowChannels && !tensor::wants_gradient({tokens});
}

bool takes_halves(const Tensor& halves) {
  return takes(halves, halves.size(-1) / 2) && !tensor::wants_gradient({halves});
}

Tensor group_norm(const Tensor& map, const Tensor& shift, const NormParameters& norm, const GroupNormOptions& asked) {
  LUCID_CHECK(!shift.defined() || !tensor::wants_gradient({shift}), "the shift has no gradient");
  const Tensor x = map.contiguous(kChannelsLast);
  const Tensor weight = norm.weight.to(torch::kFloat), bias = norm.bias.to(torch::kFloat);
  const NormOptions options{.groups = asked.groups,
                            .eps = norm.eps,
                            .silu = asked.silu,
                            .shift = shift.defined() ? shift.to(x.scalar_type()).contiguous() : shift};
  if (!tensor::wants_gradient({x, weight, bias})) return forward_of(x, weight, bias, options).y;
  return NormFunction::apply(x, weight, bias, options);
}

Tensor layer_norm(const Tensor& tokens, const Tensor& branch, const NormParameters& norm, torch::ScalarType dtype) {
  const int64_t channels = tokens.size(-1);
  const Tensor x = branch.defined() ? tokens : tokens.contiguous(),
               addend = branch.defined() ? branch.contiguous() : branch;
  LUCID_CHECK(x.is_contiguous() && (!addend.defined() || addend.scalar_type() == dtype),
              "tokens and branch must be contiguous, the branch in the output's dtype");
  const Tensor weight = norm.weight.to(torch::kFloat), bias = norm.bias.to(torch::kFloat);
  const Tensor y = torch::empty_like(x, x.options().dtype(dtype));
  cuda::layer_norm({.x_dtype = dtype_of(x.scalar_type()),
                    .dtype = dtype_of(dtype),
                    .rows = x.numel() / channels,
                    .channels = static_cast<int>(channels),
                    .x = x.data_ptr(),
                    .branch = data_of(addend),
                    .weight = weight.data_ptr<float>(),
                    .bias = bias.data_ptr<float>(),
                    .eps = static_cast<float>(norm.eps),
                    .sum = x.data_ptr(),
                    .y = y.data_ptr()},
                   tensor::current_cuda_stream());
  return y;
}

Tensor gated_gelu(const Tensor& halves) {
  const Tensor ab = halves.contiguous();
  auto sizes = ab.sizes().vec();
  sizes.back() /= 2;
  const Tensor y = torch::empty(sizes, ab.options());
  cuda::gated_gelu(dtype_of(ab.scalar_type()), y.numel() / sizes.back(), static_cast<int>(sizes.back()), ab.data_ptr(),
                   y.data_ptr(), tensor::current_cuda_stream());
  return y;
}

Tensor sum(const Tensor& a, const Tensor& b) {
  const Tensor x = a.contiguous(), addend = b.contiguous(), y = torch::empty_like(addend);
  sum_into(y, x, addend, {}, addend.size(-1));
  return y;
}

Tensor sum_of_maps(const Tensor& a, const Tensor& b, const Tensor& bias, const Tensor& other_bias) {
  const Tensor x = a.contiguous(kChannelsLast), addend = b.contiguous(kChannelsLast);
  const Biases biases{.a = bias, .b = other_bias};
  if (!tensor::wants_gradient({x, addend})) return sum_of_maps(x, addend, biases);
  return SumFunction::apply(x, addend, biases);
}

}  // namespace lucid::nn::gpu
