// SPDX-License-Identifier: Apache-2.0
// See wide_convolution.h.
#include "lucid/nn/conv2d.h"

#include <optional>

#include "lucid/base/error.h"
#include "lucid/nn/cpu_norm.h"
#include "lucid/nn/linear.h"
#include "lucid/nn/norm.h"
#include "lucid/tensor/reference_ops.h"

namespace lucid::nn {
namespace {

using onednn::Weights;
using onednn::Windows;
using torch::Tensor;

Windows windows_of(const torch::nn::Conv2d& conv, int64_t after) {
  const auto& padding = get<torch::ExpandingArray<2>>(conv->options.padding());  // of a std:: or c10::variant
  return {.stride = conv->options.stride()->at(0), .before = padding->at(0), .after = padding->at(0) + after};
}

struct Norm {
  Tensor weight = {}, bias = {};  // [C], float32; undefined: no norm
  int64_t groups = 1;
  double eps = 0;
  NormOptions of(const Tensor& x) const { return of_groups(x, groups, eps, /*silu=*/true); }
};

/// A convolution's weights, and how they are multiplied with a map of some size.
struct Product {
  Weights weights = {};
  Windows windows = {};
  WinogradFilters filters = {};  // none: oneDNN is asked

  torch::ScalarType type_of_input() const { return filters ? torch::kFloat : weights.weight.scalar_type(); }
  Tensor of(const Tensor& x) const {
    if (filters) return winograd_convolution(x, weights.weight, weights.bias, filters);
    return onednn::convolution(x, weights, windows);
  }
  /// dy of any type -> dx of the sizes of x.
  Tensor gradient(const std::vector<int64_t>& x, const Tensor& dy) const {
    const Tensor up = dy.to(type_of_input()).contiguous(torch::MemoryFormat::ChannelsLast);
    if (filters) return winograd_gradient(up, weights.weight, filters);
    return onednn::convolution_gradient(x, up, weights, windows);
  }
};

/// Where the filters are kept that this convolution takes of a map as Winograd's tiles; none if it does not.
WinogradFilters winograd_of(const torch::nn::Conv2d& conv, const Tensor& x, const Windows& windows) {
  const auto* keeping = dynamic_cast<const ConvolutionImpl*>(conv.get());
  const bool keeps_size = windows.stride == 1 && windows.before == 1 && windows.after == 1;
  if (keeping == nullptr || !keeps_size) return {};
  const WinogradFilters& filters = keeping->winograd_filters();
  return takes_winograd(filters, conv->weight, x.sizes()) ? filters : WinogradFilters();
}

/// What the convolution multiplies; and the norm's statistics, if there is one.
Normed input_of(const Product& product, const Tensor& x, const Norm& norm) {
  const torch::ScalarType type = product.type_of_input();
  if (norm.weight.defined()) return norm_of(x, norm.weight, norm.bias, norm.of(x), type);
  return {.y = x.to(type)};
}

struct WideFunction : torch::autograd::Function<WideFunction> {
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& x, const Product& product,
                        const Norm& norm) {
    const auto& [weights, windows, filters] = product;
    const Normed input = input_of(product, x, norm);
    // Without a norm the gradient needs the sizes of x only.
    context->save_for_backward(norm.weight.defined()
                                   ? torch::autograd::variable_list{weights.weight, x, norm.weight, norm.bias,
                                                                    input.mean, input.inverse_deviation}
                                   : torch::autograd::variable_list{weights.weight});
    context->saved_data["packed"] = c10::IValue::make_capsule(weights.packed);
    if (filters) context->saved_data["filters"] = c10::IValue::make_capsule(filters);
    context->saved_data["sizes"] = x.sizes().vec();
    context->saved_data["groups"] = norm.groups;
    context->saved_data["windows"] = std::vector<int64_t>{windows.stride, windows.before, windows.after};
    return product.of(input.y);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list up) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const auto windows = context->saved_data["windows"].toIntVector();
    const auto filters = context->saved_data.find("filters");
    const Product product{
        .weights = {.weight = saved[0], .bias = {}, .packed = context->saved_data["packed"].toCapsule()},
        .windows = {.stride = windows[0], .before = windows[1], .after = windows[2]},
        .filters = filters != context->saved_data.end() ? filters->second.toCapsule() : WinogradFilters()};
    Tensor dx = product.gradient(context->saved_data["sizes"].toIntVector(), up[0]);
    if (saved.size() > 1) {
      const Tensor& x = saved[1];
      const Norm norm{.weight = saved[2], .bias = saved[3], .groups = context->saved_data["groups"].toInt()};
      dx =
          norm_gradient(x, dx, norm.weight, norm.bias, {.mean = saved[4], .inverse_deviation = saved[5]}, norm.of(x)).x;
    }
    return {dx, {}, {}};
  }
};

/// By oneDNN itself or as Winograd's tiles: of maps in float32, by weights that are in bfloat16 or of a frozen network.
/// None where libtorch is to compute.
std::optional<Product> product_of(const torch::nn::Conv2d& conv, const Tensor& x, int64_t more_padding) {
  if (!x.is_cpu() || x.scalar_type() != torch::kFloat || tensor::PlainOperators::wanted()) return std::nullopt;
  const torch::ScalarType type = conv->weight.scalar_type(), precision = conv->bias.scalar_type();
  const bool wide = is_wide(x, conv->bias);
  if (!wide && (precision != torch::kFloat || tensor::wants_gradient({conv->weight, conv->bias}))) return std::nullopt;
  Product product{.weights = weights_of(conv), .windows = windows_of(conv, more_padding)};
  const bool by_onednn = type == precision && asks_onednn(type) && (wide || onednn::keeps(product.weights));
  if (by_onednn || !wide) product.filters = winograd_of(conv, x, product.windows);
  return by_onednn || product.filters ? std::optional(product) : std::nullopt;
}

Tensor directly(const Product& product, torch::nn::Conv2d& conv, const Tensor& map, const Before& before) {
  const Tensor x = map.contiguous(torch::MemoryFormat::ChannelsLast);
  Norm norm;
  if (before.norm != nullptr) {
    torch::nn::GroupNormImpl& module = **before.norm;
    norm = {.weight = module.weight.to(torch::kFloat),
            .bias = module.bias.to(torch::kFloat),
            .groups = module.options.num_groups(),
            .eps = module.options.eps()};
  }
  LUCID_CHECK(!tensor::wants_gradient({conv->weight, conv->bias}), "such a convolution has no gradient of its weights");
  if (!tensor::wants_gradient({x})) return product.of(input_of(product, x, norm).y);
  return WideFunction::apply(x, product, norm);
}

/// conv(x) in `type` with `after` more zeros to the right and below: with at least as many on all sides, less the
/// places that this adds. A padded copy of a map costs a GPU as much as its convolution, there and back.
Tensor with_padding_after(torch::nn::Conv2d& conv, const Tensor& x, int64_t after, torch::ScalarType type) {
  const Windows windows = windows_of(conv, after);
  const int64_t added = (after + windows.stride - 1) / windows.stride;  // places to the left and above
  Tensor y =
      torch::conv2d(x, conv->weight.to(x.scalar_type()), {}, windows.stride, windows.before + added * windows.stride);
  for (const int64_t axis : {2, 3}) {
    const int64_t last = x.size(axis) + windows.before + windows.after - conv->weight.size(axis);
    y = y.narrow(axis, added, last / windows.stride + 1);
  }
  return y.to(type) + conv->bias.to(type).view({-1, 1, 1});
}

Tensor by_libtorch(torch::nn::Conv2d& conv, const Tensor& map, const Before& before) {
  const Tensor input = before.norm != nullptr ? normalised(map, *before.norm, After::kSilu) : map;
  const bool wide = is_wide(map, conv->bias);
  const Tensor x = wide ? input.to(conv->weight.scalar_type()) : input;
  if (before.more_padding > 0) return with_padding_after(conv, x, before.more_padding, map.scalar_type());
  const Windows windows = windows_of(conv, 0);
  const Tensor y = torch::conv2d(x, conv->weight.to(x.scalar_type()), conv->bias, windows.stride, windows.before);
  return wide ? y.to(torch::kFloat) : y;
}

}  // namespace

torch::ScalarType type_of_maps(torch::ScalarType precision, const Tensor& input) {
  const bool wide = precision == torch::kBFloat16 && input.is_cpu() && asks_onednn(precision);
  return wide ? torch::kFloat : precision;
}

bool takes_norm(const torch::nn::Conv2d& conv, const Tensor& x) {
  return is_wide(x, conv->bias) || product_of(conv, x, /*more_padding=*/0).has_value();
}

Tensor applied(torch::nn::Conv2d& conv, const Tensor& x, const Before& before) {
  const std::optional<Product> product = product_of(conv, x, before.more_padding);
  return product ? directly(*product, conv, x, before) : by_libtorch(conv, x, before);
}

}  // namespace lucid::nn
