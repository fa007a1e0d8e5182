// SPDX-License-Identifier: Apache-2.0
// See laid_out.h.
#include "lucid/diffusion/laid_out.h"

#include <limits>

#include "lucid/base/machine.h"
#include "lucid/diffusion/plain.h"
#include "lucid/weights/unfilled.h"

namespace lucid::diffusion {
namespace {

using torch::Tensor;

/// Whether another than libtorch computes the layer.
bool takes(const Tensor& x, const onednn::Weights& weights) {
  return x.is_cpu() && x.scalar_type() == weights.weight.scalar_type() && !PlainOperators::wanted() &&
         !wants_gradient({x, weights.weight, weights.bias});
}

}  // namespace

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

bool asks_onednn(torch::ScalarType type) {
  static const bool multiplies_bfloat16 = has_fast_bfloat16();
  const bool fast = type == torch::kFloat || (type == torch::kBFloat16 && multiplies_bfloat16);
  return fast && onednn::available() && !PlainOperators::wanted();
}

Tensor linear_of(const Tensor& x, const onednn::Weights& weights, const PanelWeights& panels,
                 std::optional<torch::ScalarType> type) {
  const torch::ScalarType wanted = type.value_or(x.scalar_type());
  if (takes(x, weights)) {
    if (wanted == torch::kFloat && takes_panels(panels, weights.weight)) {
      return linear_by_panels(x.contiguous(), weights.weight, weights.bias, panels);
    }
    const bool onednn_keeps_them = x.scalar_type() != torch::kFloat || !has_linear_kernel();
    if (onednn_keeps_them && asks_onednn(x.scalar_type()) && onednn::keeps(weights)) {
      return onednn::linear(x.contiguous(), weights, wanted);
    }
  }
  // torch::linear, not torch::nn::Linear, which on a GPU adds its bias to an input of three axes in a pass of its own.
  const Tensor y = torch::linear(x, weights.weight, weights.bias);
  return type ? y.to(*type) : y;
}

Tensor applied(torch::nn::Linear& layer, const Tensor& x, std::optional<torch::ScalarType> type) {
  const auto* keeping = dynamic_cast<const KeepsLaidOut*>(layer.get());
  return linear_of(x, weights_of(layer), keeping != nullptr ? keeping->panels() : PanelWeights(), type);
}

}  // namespace lucid::diffusion
