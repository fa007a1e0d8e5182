// SPDX-License-Identifier: Apache-2.0
// The three kinds of level of the U-Net: on the way down, in the middle, on the way up.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/diffusion/resnet.h"
#include "lucid/diffusion/transformer.h"
#include "lucid/tensor/activation_hook.h"

namespace lucid::diffusion {

/// What every layer of a forward pass is told.
struct Conditioning {
  torch::Tensor time;  // silu(time embedding) [B,4*C0]
  nn::Context context;
};

struct UNetLevel {
  int64_t in = 0, out = 0;
  int64_t below = 0;   // on the way up: the width that arrives from the level below
  int64_t layers = 1;  // resnets
  bool attention = true;
  bool resize = true;  // has a downsampler or an upsampler
  int64_t time_width = 0;
  double eps = 1e-5;
  TransformerSizes transformer;
};

/// resnets, attentions, downsamplers: CrossAttnDownBlock2D and DownBlock2D.
class DownLevelImpl : public torch::nn::Module {
 public:
  explicit DownLevelImpl(const UNetLevel& level);
  /// Appends every output to `skips`; returns the last.
  torch::Tensor forward(torch::Tensor x, const Conditioning& conditioning, std::vector<torch::Tensor>& skips,
                        const tensor::ActivationHook& hook);

 private:
  std::vector<Resnet> resnets_;
  std::vector<Transformer2D> attentions_;
  Downsample downsample_{nullptr};
};
TORCH_MODULE(DownLevel);

/// UNetMidBlock2DCrossAttn: resnet, attention, resnet; UNetMidBlock2D: one resnet.
class MidLevelImpl : public torch::nn::Module {
 public:
  explicit MidLevelImpl(const UNetLevel& level);
  torch::Tensor forward(torch::Tensor x, const Conditioning& conditioning);

 private:
  std::vector<Resnet> resnets_;
  std::vector<Transformer2D> attentions_;
};
TORCH_MODULE(MidLevel);

/// resnets, attentions, upsamplers: CrossAttnUpBlock2D and UpBlock2D.
class UpLevelImpl : public torch::nn::Module {
 public:
  explicit UpLevelImpl(const UNetLevel& level);
  /// Takes its skips from the back of `skips`, then grows to the size of the next one there.
  torch::Tensor forward(torch::Tensor x, const Conditioning& conditioning, std::vector<torch::Tensor>& skips,
                        const tensor::ActivationHook& hook);

 private:
  std::vector<Resnet> resnets_;
  std::vector<Transformer2D> attentions_;
  Upsample upsample_{nullptr};
};
TORCH_MODULE(UpLevel);

}  // namespace lucid::diffusion
