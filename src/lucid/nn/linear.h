// SPDX-License-Identifier: Apache-2.0
// Layers of frozen networks. Those in bfloat16 can keep their weights in the layouts that oneDNN asked for: laying them
// out anew for every call is a twentieth of Stable Diffusion's U-Net for one picture, and a tenth of a small one's; or
// transformed, which more than halves the time of a convolution of 3 x 3 (winograd.h). In float32 the kernels read the
// weights of most layers as they are stored, so that those of 16 bits can stay so.
#pragma once

#include <torch/torch.h>

#include <optional>
#include <set>
#include <string>

#include "lucid/nn/onednn.h"
#include "lucid/nn/winograd.h"

namespace lucid::nn {

/// Whether a weight's first axis is a multiple of any kernel's panel of columns.
bool has_whole_panels(const torch::Tensor& weight);

class KeepsLaidOut {
 public:
  virtual ~KeepsLaidOut() = default;
  const onednn::Packed& packed() const { return packed_; }
  /// Whether a CPU computes the layer in float32 by weights in float16 or bfloat16.
  virtual bool takes_half() const = 0;
  /// Weights of up to so many bytes; what was kept before is let go of.
  virtual void keep_laid_out(size_t largest, const WinogradUse& /*of_convolutions*/) {
    packed_ = onednn::make_packed(largest);
  }

 private:
  onednn::Packed packed_ = onednn::make_packed(0);
};

class ConvolutionImpl : public torch::nn::Conv2dImpl, public KeepsLaidOut {
 public:
  using torch::nn::Conv2dImpl::Conv2dImpl;
  const WinogradFilters& winograd_filters() const { return winograd_filters_; }  // none until it is to keep them
  bool takes_half() const override;
  void keep_laid_out(size_t largest, const WinogradUse& use) override;

 private:
  bool keeps_size_of_maps() const;

  WinogradFilters winograd_filters_;
};
class LinearImpl : public torch::nn::LinearImpl, public KeepsLaidOut {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  bool takes_half() const override { return has_whole_panels(weight); }
};
/// libtorch's holders of the two; unfilled where weights/unfilled.h says so.
torch::nn::Conv2d convolution(const torch::nn::Conv2dOptions& options);
torch::nn::Linear linear(int64_t in, int64_t out, bool bias = true);

/// Has every layer of a network whose weights are frozen keep them laid out, at the price of once more their memory;
/// with little of it the small ones only.
void keep_laid_out(torch::nn::Module& network, bool low_memory, const WinogradUse& use = {.rounds = true});

/// The names of the weights that may be in float16 or bfloat16 where all else is in float32.
std::set<std::string> weights_that_take_half(const torch::nn::Module& network);

/// A layer's weights, and where oneDNN's are kept.
template <class Layer>
onednn::Weights weights_of(const Layer& layer) {
  const auto* keeping = dynamic_cast<const KeepsLaidOut*>(layer.get());
  return {.weight = layer->weight,
          .bias = layer->bias,
          .packed = keeping != nullptr ? keeping->packed() : onednn::make_packed(0)};
}

/// Whether oneDNN is asked on a CPU for products of this type: this build has it, the processor multiplies such
/// numbers, and plain operators are not wanted.
bool asks_onednn(torch::ScalarType type);

/// layer(x), x [...,in] -> [...,out] in libtorch's type of it, or in another that the float32 sums are rounded to.
torch::Tensor applied(torch::nn::Linear& layer, const torch::Tensor& x,
                      std::optional<torch::ScalarType> type = std::nullopt);
/// The same with weights [out,in] and a bias [out] or none.
torch::Tensor linear_of(const torch::Tensor& x, const onednn::Weights& weights,
                        std::optional<torch::ScalarType> type = std::nullopt);

}  // namespace lucid::nn
