// SPDX-License-Identifier: Apache-2.0
// A 2D convolutional network over x and y. Each of its last pixels is decoded into a column of 2 x 2 x kSide cells:
// objects stand upright, so that heights need no translation invariance, and 2D convolutions are fast.
#include "lucid/shape/decoder.h"

#include "lucid/base/error.h"

namespace lucid::shape {
namespace {

namespace F = torch::nn::functional;

constexpr int64_t kFirstSide = 4, kColumn = 2;  // pixels a side of the first plane; cells a side of a column
constexpr int64_t kLastSide = kFirstSide * 4;   // two blocks follow an upsampling
static_assert(kLastSide * kColumn == kSide);

int64_t first_width(const DecoderConfig& config) { return config.width * 3 / 2; }

torch::Tensor twice_as_large(const torch::Tensor& x) {
  return F::interpolate(x, F::InterpolateFuncOptions().scale_factor(std::vector<double>{2, 2}).mode(torch::kNearest));
}

torch::nn::Conv2d convolution(int64_t in, int64_t out, int64_t side) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, side).padding(side / 2));
}

}  // namespace

double DecoderConfig::parameters() const {
  const auto h = static_cast<double>(hidden), w = static_cast<double>(width);
  const auto first = static_cast<double>(first_width(*this)), code = static_cast<double>(code_width);
  return static_cast<double>(variants) * code + (static_cast<double>(text_width) + code + 2 * (first + 2 * w)) * h +
         first * kFirstSide * kFirstSide * h + 9 * (first + 2 * w) * w +
         1.5 * w * (w + kColumn * kColumn * kSide * kChannels);
}

DecoderImpl::DecoderImpl(const DecoderConfig& config) : config_(config) {
  LUCID_CHECK(config.width % (2 * kNormGroups) == 0, "width {}", config.width);
  const int64_t first = first_width(config), width = config.width;
  codes_ = register_module("code_embedding", torch::nn::Embedding(config.variants, config.code_width));
  in_ = register_module("in", torch::nn::Linear(config.text_width + config.code_width, config.hidden));
  plane_ = register_module("plane", torch::nn::Linear(config.hidden, first * kFirstSide * kFirstSide));
  blocks_ = {block("coarse", first, width), block("fine", width, width), block("last", width, width)};
  hidden_ = register_module("hidden", convolution(width, width * 3 / 2, 1));
  out_ = register_module("conv_out", convolution(width * 3 / 2, kColumn * kColumn * kSide * kChannels, 1));
}

DecoderImpl::Block DecoderImpl::block(const std::string& name, int64_t in, int64_t out) {
  return {.norm = register_module(name + "_norm", torch::nn::GroupNorm(kNormGroups, in)),
          .steer = register_module(name + "_steer", torch::nn::Linear(config_.hidden, 2 * in)),
          .conv = register_module(name + "_conv", convolution(in, out, 3))};
}

torch::Tensor DecoderImpl::run(Block& block, const torch::Tensor& x, const torch::Tensor& steering) {
  const auto scale_shift = block.steer(steering).unsqueeze(-1).unsqueeze(-1).chunk(2, 1);
  const torch::Tensor normal = block.norm(x.to(torch::kFloat));  // training computes the rest in bfloat16
  const torch::Tensor y = block.conv(torch::silu(normal * (1 + scale_shift[0]) + scale_shift[1]));
  return y.size(1) == x.size(1) ? x + y : y;
}

torch::Tensor DecoderImpl::forward(const torch::Tensor& text, const torch::Tensor& variant) {
  const int64_t n = text.size(0);
  const torch::Tensor steering = torch::silu(in_(torch::cat({text, codes_(variant)}, 1)));
  torch::Tensor x = plane_(steering).view({n, first_width(config_), kFirstSide, kFirstSide});
  x = run(blocks_[0], twice_as_large(x), steering);
  x = run(blocks_[1], twice_as_large(x), steering);
  x = run(blocks_[2], x, steering);
  x = out_(torch::silu(hidden_(torch::silu(x))));
  // [n, z, channel, y in column, x in column, y, x] -> [n, z, y, y in column, x, x in column, channel]
  return x.view({n, kSide, kChannels, kColumn, kColumn, kLastSide, kLastSide})
      .permute({0, 1, 5, 3, 6, 4, 2})
      .reshape({n, kCells, kChannels});
}

torch::Tensor occupancy_logits(const torch::Tensor& raw) { return raw.select(-1, 0); }
torch::Tensor colours_of(const torch::Tensor& raw) { return raw.slice(-1, 1, 4).sigmoid(); }
torch::Tensor offsets_of(const torch::Tensor& raw) { return 0.5 * raw.slice(-1, 4, 7).tanh(); }
torch::Tensor spreads_of(const torch::Tensor& raw) { return kWidestSpread * raw.slice(-1, 7, 10).sigmoid(); }

Grid grid_of(const torch::Tensor& raw) {
  return {.occupancy = occupancy_logits(raw).sigmoid().contiguous(),
          .rgb = colours_of(raw).contiguous(),
          .offset = offsets_of(raw).contiguous(),
          .spread = spreads_of(raw).contiguous()};
}

}  // namespace lucid::shape
