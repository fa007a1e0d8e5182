// SPDX-License-Identifier: Apache-2.0
// The levels (blocks of one resolution) of a U-Net: down path, mid block, up path.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/diffusion/resnet.h"
#include "lucid/diffusion/transformer.h"
#include "lucid/tensor/activation_hook.h"

namespace lucid::diffusion {

/// Inputs of a forward pass that every level gets.
struct Conditioning {
  torch::Tensor time;  // [B,4*C0], silu(time embedding); C0 = channels of the first level
  nn::Context context;
  int64_t views = 1;  // consecutive rows that are views of one object
};

struct UNetLevel {
  int64_t in = 0, out = 0;  // channels, in the direction of the down path
  int64_t below = 0;        // up path only: channels that arrive from the next lower resolution
  int64_t layers = 1;       // number of resnets
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
  /// Appends the output of each layer to `skips` and returns the last one.
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
  /// Concatenates each resnet's input with the last of `skips` and removes it there. Then upsamples to the size of the
  /// next skip.
  torch::Tensor forward(torch::Tensor x, const Conditioning& conditioning, std::vector<torch::Tensor>& skips,
                        const tensor::ActivationHook& hook);

 private:
  std::vector<Resnet> resnets_;
  std::vector<Transformer2D> attentions_;
  Upsample upsample_{nullptr};
};
TORCH_MODULE(UpLevel);

}  // namespace lucid::diffusion
