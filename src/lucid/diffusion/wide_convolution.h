// SPDX-License-Identifier: Apache-2.0
// Convolutions in bfloat16 between maps in float32 ("wide" maps). A CPU sums bfloat16 products in float32 anyway; what
// libtorch then rounds to bfloat16, in each convolution and each sum after it, is nearly half of what bfloat16 costs in
// precision. oneDNN, which libtorch calls, writes the float32 sums just as fast if it is asked itself.
#pragma once

#include <torch/torch.h>

#include "lucid/diffusion/onednn.h"

namespace lucid::diffusion {

/// torch::nn::Conv2d that can keep its weights in the layouts that oneDNN asked for: on small maps laying them out anew
/// for every call is a tenth of a U-Net's time.
class ConvolutionImpl : public torch::nn::Conv2dImpl {
 public:
  explicit ConvolutionImpl(const torch::nn::Conv2dOptions& options);
  const onednn::Packed& packed() const { return packed_; }

 private:
  onednn::Packed packed_;
};
torch::nn::Conv2d convolution(const torch::nn::Conv2dOptions& options);

/// Whether oneDNN is asked here: this build has it, the processor multiplies bfloat16 numbers, and plain operators are
/// not wanted. Wide maps work without it, slower and rounded.
bool has_wide_convolutions();

/// What the maps of a network of this precision are best in, on the device of `input`: wide where that costs nothing.
torch::ScalarType type_of_maps(torch::ScalarType precision, const torch::Tensor& input);

/// A map in float32 for weights in bfloat16.
inline bool is_wide(const torch::Tensor& map, const torch::Tensor& weight) {
  return map.scalar_type() == torch::kFloat && weight.scalar_type() == torch::kBFloat16;
}

/// What the products beside a map are computed in: of wide maps the sums alone are wide.
inline torch::ScalarType type_beside(const torch::Tensor& map, const torch::Tensor& weight) {
  return is_wide(map, weight) ? weight.scalar_type() : map.scalar_type();
}

struct WideOptions {
  torch::nn::GroupNorm* norm = nullptr;  // GroupNorm and SiLU come first, in the pass that rounds to bfloat16
  int64_t after = 0;                     // zeros to the right and below, beside the convolution's own padding
};
/// conv(x), or conv(silu(norm(x))), with its bias. x float32 [B,C,h,w], the weights bfloat16 and without a gradient of
/// their own -> float32, channels-last; the gradient of x in float32 as well.
torch::Tensor wide_convolution(const torch::Tensor& x, torch::nn::Conv2d& conv, const WideOptions& options = {});

/// conv(x) and conv(silu(norm(x))), wide where x is.
torch::Tensor applied(torch::nn::Conv2d& conv, const torch::Tensor& x);
torch::Tensor applied(torch::nn::Conv2d& conv, const torch::Tensor& x, torch::nn::GroupNorm& norm);

}  // namespace lucid::diffusion
