// SPDX-License-Identifier: Apache-2.0
// The network: a text vector and the number of a variant to a coarse coloured shape. It is trained by pretrain/.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/shape/grid.h"

namespace lucid::shape {

struct DecoderConfig {
  int64_t text_width = 128;   // of the text vector
  int64_t variants = 1;       // words stand for up to this many shapes
  int64_t code_width = 16;    // of a variant's vector
  int64_t hidden = 256;       // of the vector that steers all layers
  int64_t width = 128;        // channels; a multiple of 2 kNormGroups
  double parameters() const;  // number of parameters, matrices only
};

inline constexpr int64_t kNormGroups = 8;
inline constexpr int64_t kChannels = 10;  // of a cell: occupancy, colour 3, offset 3, spread 3

class DecoderImpl : public torch::nn::Module {
 public:
  explicit DecoderImpl(const DecoderConfig& config);
  /// text [n,text_width], variant [n] int64 -> raw channels [n,kCells,kChannels].
  torch::Tensor forward(const torch::Tensor& text, const torch::Tensor& variant);
  const DecoderConfig& config() const { return config_; }

 private:
  /// norm, scale and shift by the steering vector, SiLU, 3 x 3 convolution; added to its input if the widths agree.
  struct Block {
    torch::nn::GroupNorm norm{nullptr};
    torch::nn::Linear steer{nullptr};
    torch::nn::Conv2d conv{nullptr};
  };
  Block block(const std::string& name, int64_t in, int64_t out);
  static torch::Tensor run(Block& block, const torch::Tensor& x, const torch::Tensor& steering);

  DecoderConfig config_;
  torch::nn::Embedding codes_{nullptr};
  torch::nn::Linear in_{nullptr}, plane_{nullptr};
  std::vector<Block> blocks_;
  torch::nn::Conv2d hidden_{nullptr}, out_{nullptr};
};
TORCH_MODULE(Decoder);

// What the raw channels [...,kChannels] mean; used by training and by decoding alike.
torch::Tensor occupancy_logits(const torch::Tensor& raw);  // [...]
torch::Tensor colours_of(const torch::Tensor& raw);        // [...,3] in 0..1
torch::Tensor offsets_of(const torch::Tensor& raw);        // [...,3] in -0.5..0.5
torch::Tensor spreads_of(const torch::Tensor& raw);        // [...,3] in 0..kWidestSpread
inline constexpr double kWidestSpread = 0.3;               // a uniform density over the cell has 0.289

/// The raw channels [kCells,kChannels] of one shape as a grid.
Grid grid_of(const torch::Tensor& raw);

}  // namespace lucid::shape
