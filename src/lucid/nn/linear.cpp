// SPDX-License-Identifier: Apache-2.0
// See laid_out.h.
#include "lucid/nn/linear.h"

#include <limits>

#include "lucid/base/machine.h"
#include "lucid/nn/float_linear.h"
#include "lucid/tensor/reference_ops.h"
#include "lucid/weights/unfilled.h"

namespace lucid::nn {
namespace {

using torch::Tensor;

/// The most columns that a kernel computes together.
constexpr int64_t kWidestPanel = 32;

}  // namespace

bool has_whole_panels(const Tensor& weight) { return weight.size(0) % kWidestPanel == 0; }

bool ConvolutionImpl::takes_half() const {
  // Their gradient is a convolution too, with inputs and results exchanged.
  return keeps_size_of_maps() && has_whole_panels(weight) && has_whole_panels(weight.transpose(0, 1));
}

void ConvolutionImpl::keep_laid_out(size_t largest, const WinogradUse& use) {
  KeepsLaidOut::keep_laid_out(largest, use);
  const bool low = bias.scalar_type() == torch::kBFloat16;
  winograd_filters_ = make_winograd_filters(largest, {.rounds = use.rounds && low, .kernel = use.kernel});
  if (keeps_size_of_maps() && weight.is_cpu() && reads_filters_as_stored(winograd_filters_, weight)) {
    weight.set_data(weight.data().contiguous());
  }
}

bool ConvolutionImpl::keeps_size_of_maps() const {
  const auto is = [](const auto& pair, int64_t value) { return pair->at(0) == value && pair->at(1) == value; };
  const auto& padding = get<torch::ExpandingArray<2>>(options.padding());  // of a std:: or c10::variant
  return is(options.kernel_size(), 3) && is(options.stride(), 1) && padding->at(0) == 1 && padding->at(1) == 1;
}

torch::nn::Conv2d convolution(const torch::nn::Conv2dOptions& options) {
  return weights::conv2d(options, [](const torch::nn::Conv2dOptions& given) {
    return torch::nn::Conv2d(std::static_pointer_cast<torch::nn::Conv2dImpl>(std::make_shared<ConvolutionImpl>(given)));
  });
}

torch::nn::Linear linear(int64_t in, int64_t out, bool bias) {
  return weights::linear(in, out, bias, [](const torch::nn::LinearOptions& options) {
    return torch::nn::Linear(std::static_pointer_cast<torch::nn::LinearImpl>(std::make_shared<LinearImpl>(options)));
  });
}

void keep_laid_out(torch::nn::Module& network, bool low_memory, const WinogradUse& use) {
  constexpr size_t kSmall = 2 << 20;  // bytes: all that an embedded prior has, a tenth of Stable Diffusion
  for (const auto& module : network.modules()) {
    auto* keeping = dynamic_cast<KeepsLaidOut*>(module.get());
    if (keeping != nullptr) keeping->keep_laid_out(low_memory ? kSmall : std::numeric_limits<size_t>::max(), use);
  }
}

std::set<std::string> weights_that_take_half(const torch::nn::Module& network) {
  std::set<std::string> names;
  for (const auto& module : network.named_modules("", /*include_self=*/false)) {
    const auto* layer = dynamic_cast<const KeepsLaidOut*>(module.value().get());
    if (layer != nullptr && layer->takes_half()) names.insert(module.key() + ".weight");
  }
  return names;
}

bool asks_onednn(torch::ScalarType type) {
  static const bool multiplies_bfloat16 = has_fast_bfloat16();
  const bool fast = type == torch::kFloat || (type == torch::kBFloat16 && multiplies_bfloat16);
  return fast && onednn::available() && !tensor::PlainOperators::wanted();
}

Tensor linear_of(const Tensor& x, const onednn::Weights& weights, std::optional<torch::ScalarType> type) {
  const Tensor &weight = weights.weight, &bias = weights.bias;
  const torch::ScalarType wanted = type.value_or(x.scalar_type());
  if (x.is_cpu() && !tensor::PlainOperators::wanted() && !tensor::wants_gradient({x, weight, bias})) {
    const bool floats = x.scalar_type() == torch::kFloat && wanted == torch::kFloat;
    if (floats && takes_float_linear(weight)) return float_linear(x.contiguous(), weight, bias);
    const bool onednn_keeps_them = x.scalar_type() != torch::kFloat || !float_linear_outdoes_libraries();
    const bool one_type = x.scalar_type() == weight.scalar_type();
    if (one_type && onednn_keeps_them && asks_onednn(x.scalar_type()) && onednn::keeps(weights)) {
      return onednn::linear(x.contiguous(), weights, wanted);
    }
  }
  // torch::linear, not torch::nn::Linear, which on a GPU adds its bias to an input of three axes in a pass of its own.
  const Tensor y = torch::linear(x, weight.to(x.scalar_type()), bias);
  return type ? y.to(*type) : y;
}

Tensor applied(torch::nn::Linear& layer, const Tensor& x, std::optional<torch::ScalarType> type) {
  return linear_of(x, weights_of(layer), type);
}

}  // namespace lucid::nn
