// SPDX-License-Identifier: Apache-2.0
// Conv2d: a 2D convolution whose forward() runs the kernel that choose_conv2d() names, alone or with the GroupNorm and
// SiLU before it.
#pragma once

#include <torch/torch.h>

#include "lucid/nn/backends/winograd.h"
#include "lucid/nn/biased_map.h"
#include "lucid/nn/choose.h"
#include "lucid/nn/layer.h"
#include "lucid/nn/norm.h"

namespace lucid::nn {

struct Conv2dOptions {
  int64_t in = 0, out = 0;  // channels
  int64_t kernel = 3, stride = 1, padding = 1;
};

/// weight [out,in,k,k], bias [out].
class Conv2dImpl : public Layer {
 public:
  explicit Conv2dImpl(const Conv2dOptions& options);

  /// x [B,in,h,w] -> [B,out,h',w'] in x's dtype. On a CPU in float32 the result is channels-last, and so is its
  /// gradient. bfloat16 weights have no gradient.
  torch::Tensor forward(const torch::Tensor& x);
  /// The same with `extra` more rows and columns of zeros at the bottom and right.
  torch::Tensor forward_padded(const torch::Tensor& x, int64_t extra);
  /// forward(silu(norm(x))).
  torch::Tensor forward_norm_silu(const torch::Tensor& x, GroupNorm& norm);

  /// For convolutions that keep the map's size. On a GPU the bias is left pending in the result, which saves a pass
  /// over the map.
  BiasedMap forward_biased(const torch::Tensor& x);
  BiasedMap forward_biased(const BiasedMap& x, GroupNorm& norm);  // after silu(norm(x))

  const Conv2dOptions& options() const { return options_; }
  /// 3 x 3 with stride 1 and padding 1.
  bool keeps_size() const { return options_.kernel == 3 && options_.stride == 1 && options_.padding == 1; }

  void set_policy(const ComputePolicy& policy) override;
  bool reads_16_bit_weights() const override;

  /// The kernel for activations x.
  Conv2dChoice choose(const torch::Tensor& x, int64_t extra_padding = 0) const;

 private:
  torch::Tensor run(const torch::Tensor& x, GroupNorm* norm, int64_t extra_padding);

  Conv2dOptions options_;
  WinogradFilterCache winograd_filters_;
};
TORCH_MODULE(Conv2d);

inline Conv2d conv3x3(int64_t in, int64_t out, int64_t stride = 1, int64_t padding = 1) {
  return Conv2d(Conv2dOptions{.in = in, .out = out, .kernel = 3, .stride = stride, .padding = padding});
}
inline Conv2d conv1x1(int64_t in, int64_t out) {
  return Conv2d(Conv2dOptions{.in = in, .out = out, .kernel = 1, .padding = 0});
}

}  // namespace lucid::nn
