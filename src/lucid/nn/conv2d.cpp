// SPDX-License-Identifier: Apache-2.0
// Conv2d: forward pass and input gradient by the kernel that choose_conv2d() names.
#include "lucid/nn/conv2d.h"

#include "lucid/base/error.h"
#include "lucid/nn/backends/cpu_norm.h"
#include "lucid/nn/backends/gpu_ops.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

using Method = Conv2dChoice::Method;
using tensor::wants_gradient;
using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr auto kChannelsLast = torch::MemoryFormat::ChannelsLast;

/// One convolution by oneDNN or by a Winograd kernel, with what its gradient needs except the weight. The autograd
/// graph holds it.
struct Plan : torch::CustomClassHolder {
  Plan(const Conv2dChoice& choice, const onednn::Weights& weights, const onednn::Windows& windows,
       const WinogradFilterCache& filters)
      : winograd(choice.winograd), bias(weights.bias), packed(weights.packed), windows(windows), filters(filters) {}

  /// The dtype that activations are read in.
  torch::ScalarType input_dtype(const Tensor& weight) const {
    return winograd != nullptr ? torch::kFloat : weight.scalar_type();
  }
  Tensor forward(const Tensor& x, const Tensor& weight) const {
    if (winograd != nullptr) return winograd_convolution(x, weight, bias, *winograd, filters);
    return onednn::convolution(x, {.weight = weight, .bias = bias, .packed = packed}, windows);
  }
  /// d_x of sizes `x`.
  Tensor backward(const std::vector<int64_t>& x, const Tensor& d_y, const Tensor& weight) const {
    const Tensor d = d_y.to(input_dtype(weight)).contiguous(kChannelsLast);
    if (winograd != nullptr) return winograd_gradient(d, weight, *winograd, filters);
    return onednn::convolution_gradient(x, d, {.weight = weight, .bias = {}, .packed = packed}, windows);
  }

  const kernels::WinogradKernel* winograd;  // null: oneDNN
  Tensor bias;
  onednn::Packed packed;
  onednn::Windows windows;
  WinogradFilterCache filters;
};

/// The GroupNorm before a convolution, with SiLU; its parameters in float32.
struct NormBefore {
  Tensor weight = {}, bias = {};  // [C]; undefined: no norm
  int64_t groups = 1;
  double eps = 0;
  explicit operator bool() const { return weight.defined(); }
  NormOptions options_for(const Tensor& x) const { return group_norm_options(x, groups, eps, /*silu=*/true); }
};

/// The convolution's input, and the norm's statistics if there is a norm.
Normed prepare_input(const Plan& plan, const Tensor& x, const Tensor& weight, const NormBefore& norm) {
  const torch::ScalarType dtype = plan.input_dtype(weight);
  if (norm) return norm_forward(x, norm.weight, norm.bias, norm.options_for(x), dtype);
  return {.y = x.to(dtype)};
}

struct Conv2dFunction : torch::autograd::Function<Conv2dFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight,
                        const c10::intrusive_ptr<Plan>& plan, const NormBefore& norm) {
    const Normed input = prepare_input(*plan, x, weight, norm);
    // Without a norm the backward pass needs only the sizes of x.
    context->save_for_backward(
        norm ? variable_list{weight, x, norm.weight, norm.bias, input.mean, input.inverse_deviation}
             : variable_list{weight});
    context->saved_data["plan"] = c10::IValue::make_capsule(plan);
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["groups"] = norm.groups;
    return plan->forward(input.y, weight);
  }

  static variable_list backward(AutogradContext* context, variable_list d_y) {
    const variable_list saved = context->get_saved_variables();
    const auto plan = c10::static_intrusive_pointer_cast<Plan>(context->saved_data["plan"].toCapsule());
    Tensor d_x = plan->backward(context->saved_data["sizes"].toIntVector(), d_y[0], saved[0]);
    if (saved.size() > 1) {
      const Tensor& x = saved[1];
      const NormBefore norm{.weight = saved[2], .bias = saved[3], .groups = context->saved_data["groups"].toInt()};
      d_x = norm_backward(x, d_x, norm.weight, norm.bias, {.mean = saved[4], .inverse_deviation = saved[5]},
                          norm.options_for(x))
                .x;
    }
    return {d_x, {}, {}, {}};
  }
};

/// torch::conv2d with `extra` more zeros at the bottom and right: pads by at least as many on all sides, and drops the
/// results that this adds. On a GPU a padded copy of the map would cost as much as its convolution.
Tensor conv2d_with_extra_padding(const Conv2dImpl& layer, const Tensor& x, int64_t extra, torch::ScalarType out_dtype) {
  const Conv2dOptions& options = layer.options();
  const int64_t added = (extra + options.stride - 1) / options.stride;  // results above and to the left
  const Tensor weight = layer.weight.to(x.scalar_type());
  Tensor y = torch::conv2d(x, weight, {}, options.stride, options.padding + added * options.stride);
  for (const int64_t axis : {2, 3}) {
    const int64_t last = x.size(axis) + 2 * options.padding + extra - options.kernel;
    y = y.narrow(axis, added, last / options.stride + 1);
  }
  return y.to(out_dtype) + layer.bias.to(out_dtype).view({-1, 1, 1});
}

Tensor conv2d_by_libtorch(const Conv2dImpl& layer, const Tensor& map, int64_t extra_padding) {
  const bool mixed = layer.policy().is_mixed(map);
  const Tensor x = mixed ? map.to(layer.weight.scalar_type()) : map;
  if (extra_padding > 0) return conv2d_with_extra_padding(layer, x, extra_padding, map.scalar_type());
  const Conv2dOptions& options = layer.options();
  const Tensor y = torch::conv2d(x, layer.weight.to(x.scalar_type()), layer.bias, options.stride, options.padding);
  return mixed ? y.to(torch::kFloat) : y;
}

}  // namespace

Conv2dImpl::Conv2dImpl(const Conv2dOptions& options)
    : Layer({options.out, options.in, options.kernel, options.kernel}, /*with_bias=*/true), options_(options) {}

void Conv2dImpl::set_policy(const ComputePolicy& policy) {
  Layer::set_policy(policy);
  winograd_filters_ = make_winograd_filter_cache();
  if (policy.frozen && keeps_size() && weight.is_cpu() && winograd_reads_stored_filters(weight, policy)) {
    weight.set_data(weight.data().contiguous());
  }
}

bool Conv2dImpl::reads_16_bit_weights() const {
  // The gradient is a convolution too, with input and output channels exchanged.
  return keeps_size() && has_whole_panels(options_.out) && has_whole_panels(options_.in);
}

Conv2dChoice Conv2dImpl::choose(const Tensor& x, int64_t extra_padding) const {
  return choose_conv2d(
      {.x = x, .weight = weight, .bias = bias, .policy = policy(), .keeps_size = keeps_size() && extra_padding == 0});
}

Tensor Conv2dImpl::run(const Tensor& x, GroupNorm* norm, int64_t extra_padding) {
  const Conv2dChoice choice = choose(x, extra_padding);
  if (choice.method == Method::kLibtorch) {
    const Tensor input = norm != nullptr ? (*norm)->forward_silu(x) : x;
    return conv2d_by_libtorch(*this, input, extra_padding);
  }
  LUCID_CHECK(!wants_gradient({weight, bias}), "this kernel gives no gradient of the weights");
  const onednn::Windows windows{
      .stride = options_.stride, .before = options_.padding, .after = options_.padding + extra_padding};
  const auto plan = c10::make_intrusive<Plan>(choice, onednn_weights(), windows, winograd_filters_);
  NormBefore before;
  if (norm != nullptr) {
    before = {.weight = (*norm)->weight.to(torch::kFloat),
              .bias = (*norm)->bias.to(torch::kFloat),
              .groups = (*norm)->groups(),
              .eps = (*norm)->eps()};
  }
  const Tensor map = x.contiguous(kChannelsLast);
  if (!wants_gradient({map})) return plan->forward(prepare_input(*plan, map, weight, before).y, weight);
  return Conv2dFunction::apply(map, weight, plan, before);
}

Tensor Conv2dImpl::forward(const Tensor& x) { return run(x, nullptr, /*extra_padding=*/0); }

Tensor Conv2dImpl::forward_padded(const Tensor& x, int64_t extra) { return run(x, nullptr, extra); }

Tensor Conv2dImpl::forward_norm_silu(const Tensor& x, GroupNorm& norm) { return run(x, &norm, /*extra_padding=*/0); }

BiasedMap Conv2dImpl::forward_biased(const Tensor& x) {
  // A CPU's kernels add the bias as they write the map.
  if (!gpu::takes(x, options_.out) || wants_gradient({weight, bias})) return forward(x);
  const Tensor map = torch::conv2d(x, weight, {}, /*stride=*/1, /*padding=*/options_.kernel / 2);
  return {map, bias.to(map.scalar_type())};
}

BiasedMap Conv2dImpl::forward_biased(const BiasedMap& x, GroupNorm& norm) {
  const bool fused = policy().is_mixed(x.map) || choose(x.map).method != Method::kLibtorch;
  if (!fused) return forward_biased(norm->forward_silu(x));
  LUCID_CHECK(!x.bias.defined(), "on a CPU no bias is pending");
  return forward_norm_silu(x.map, norm);
}

}  // namespace lucid::nn
