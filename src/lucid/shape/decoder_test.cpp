// SPDX-License-Identifier: Apache-2.0
// The decoder against plain loops in double precision.
#include "lucid/shape/decoder.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>
#include <vector>

namespace lucid::shape {
namespace {

constexpr int64_t kText = 4, kCode = 2, kHidden = 8, kWidth = 16;

/// Channels of square planes, [channels][side * side].
struct Planes {
  int64_t side = 0;
  std::vector<std::vector<double>> channel;
};

double silu(double x) { return x / (1 + std::exp(-x)); }

class PlainDecoder {
 public:
  explicit PlainDecoder(const DecoderImpl& decoder) {
    for (const auto& item : decoder.named_parameters()) weights_[item.key()] = item.value().detach().to(torch::kDouble);
  }

  /// Raw channels of one shape: [kCells][kChannels].
  std::vector<std::vector<double>> run(const torch::Tensor& text, int64_t variant) const {
    std::vector<double> input;
    for (int64_t i = 0; i < kText; ++i) input.push_back(text[i].item<double>());
    for (int64_t i = 0; i < kCode; ++i)
      input.push_back(weights_.at("code_embedding.weight")[variant][i].item<double>());
    std::vector<double> steering = linear("in", input);
    for (double& value : steering) value = silu(value);
    const std::vector<double> plane = linear("plane", steering);
    Planes x{.side = 4, .channel = {}};
    for (size_t at = 0; at < plane.size(); at += 16)
      x.channel.emplace_back(plane.begin() + at, plane.begin() + at + 16);
    x = block("coarse", doubled(x), steering);
    x = block("fine", doubled(x), steering);
    x = block("last", x, steering);
    x = convolved("conv_out", activated(convolved("hidden", activated(x))));
    std::vector<std::vector<double>> raw(kCells, std::vector<double>(kChannels));
    for (int64_t z = 0; z < kSide; ++z) {
      for (int64_t y = 0; y < kSide; ++y) {
        for (int64_t column = 0; column < kSide; ++column) {
          for (int64_t c = 0; c < kChannels; ++c) {
            const int64_t plane_of = ((z * kChannels + c) * 2 + y % 2) * 2 + column % 2;
            raw[size_t((z * kSide + y) * kSide + column)][size_t(c)] =
                x.channel[size_t(plane_of)][size_t(y / 2 * 16 + column / 2)];
          }
        }
      }
    }
    return raw;
  }

 private:
  std::vector<double> linear(const std::string& name, const std::vector<double>& x) const {
    const torch::Tensor w = weights_.at(name + ".weight"), b = weights_.at(name + ".bias");
    const auto weight = w.accessor<double, 2>();
    const auto bias = b.accessor<double, 1>();
    std::vector<double> y;
    for (int64_t o = 0; o < w.size(0); ++o) {
      double sum = bias[o];
      for (size_t i = 0; i < x.size(); ++i) sum += weight[o][int64_t(i)] * x[i];
      y.push_back(sum);
    }
    return y;
  }

  Planes convolved(const std::string& name, const Planes& x) const {
    const torch::Tensor w = weights_.at(name + ".weight"), b = weights_.at(name + ".bias");
    const auto weight = w.accessor<double, 4>();
    const int64_t half = w.size(2) / 2;
    Planes y{.side = x.side, .channel = {}};
    for (int64_t o = 0; o < w.size(0); ++o) {
      std::vector<double> out(size_t(x.side * x.side), b[o].item<double>());
      for (int64_t i = 0; i < w.size(1); ++i) {
        for (int64_t row = 0; row < x.side; ++row) {
          for (int64_t column = 0; column < x.side; ++column) {
            for (int64_t dy = -half; dy <= half; ++dy) {
              for (int64_t dx = -half; dx <= half; ++dx) {
                if (row + dy < 0 || row + dy >= x.side || column + dx < 0 || column + dx >= x.side) continue;
                out[size_t(row * x.side + column)] += weight[o][i][dy + half][dx + half] *
                                                      x.channel[size_t(i)][size_t((row + dy) * x.side + column + dx)];
              }
            }
          }
        }
      }
      y.channel.push_back(out);
    }
    return y;
  }

  static Planes doubled(const Planes& x) {
    Planes y{.side = 2 * x.side, .channel = {}};
    for (const auto& from : x.channel) {
      std::vector<double> to;
      for (int64_t i = 0; i < y.side * y.side; ++i)
        to.push_back(from[size_t(i / y.side / 2 * x.side + i % y.side / 2)]);
      y.channel.push_back(to);
    }
    return y;
  }

  static Planes activated(Planes x) {
    for (auto& plane : x.channel) {
      for (double& value : plane) value = silu(value);
    }
    return x;
  }

  Planes block(const std::string& name, const Planes& x, const std::vector<double>& steering) const {
    const std::vector<double> scale_shift = linear(name + "_steer", steering);
    const size_t channels = x.channel.size(), group = channels / kNormGroups;
    Planes y = x;
    for (size_t begin = 0; begin < channels; begin += group) {
      double sum = 0, squares = 0;
      const double count = static_cast<double>(group) * static_cast<double>(x.side * x.side);
      for (size_t c = begin; c < begin + group; ++c) {
        for (const double value : x.channel[c]) sum += value, squares += value * value;
      }
      const double mean = sum / count, inverse = 1 / std::sqrt(squares / count - mean * mean + 1e-5);
      for (size_t c = begin; c < begin + group; ++c) {
        const double gain = weights_.at(name + "_norm.weight")[int64_t(c)].item<double>();
        const double bias = weights_.at(name + "_norm.bias")[int64_t(c)].item<double>();
        for (double& value : y.channel[c])
          value = silu(((value - mean) * inverse * gain + bias) * (1 + scale_shift[c]) + scale_shift[channels + c]);
      }
    }
    y = convolved(name + "_conv", y);
    if (y.channel.size() != channels) return y;
    for (size_t c = 0; c < channels; ++c) {
      for (size_t i = 0; i < y.channel[c].size(); ++i) y.channel[c][i] += x.channel[c][i];
    }
    return y;
  }

  std::map<std::string, torch::Tensor> weights_;
};

TEST(ShapeDecoder, ComputesWhatPlainLoopsCompute) {
  const torch::NoGradGuard no_grad;
  torch::manual_seed(11);
  Decoder decoder(
      DecoderConfig{.text_width = kText, .variants = 3, .code_width = kCode, .hidden = kHidden, .width = kWidth});
  for (torch::Tensor& p : decoder->parameters()) p.add_(0.1 * torch::randn_like(p));  // norms and biases as well
  const torch::Tensor text = torch::randn({2, kText});
  const torch::Tensor raw = decoder->forward(text, torch::tensor({2, 0}, torch::kLong));
  ASSERT_EQ(raw.sizes(), (std::vector<int64_t>{2, kCells, kChannels}));
  for (const auto& [row, variant] : {std::pair<int64_t, int64_t>{0, 2}, {1, 0}}) {
    const auto expected = PlainDecoder(*decoder).run(text[row], variant);
    double worst = 0, largest = 0;
    const torch::Tensor one = raw[row].contiguous();
    for (int64_t cell = 0; cell < kCells; ++cell) {
      for (int64_t c = 0; c < kChannels; ++c) {
        const double wanted = expected[size_t(cell)][size_t(c)];
        worst = std::max(worst, std::abs(wanted - one.data_ptr<float>()[cell * kChannels + c]));
        largest = std::max(largest, std::abs(wanted));
      }
    }
    EXPECT_GT(largest, 0.1);
    EXPECT_LT(worst, 1e-4 * largest);
  }
}

TEST(ShapeDecoder, ValuesOfACellStayInTheirRanges) {
  torch::manual_seed(3);
  const Grid grid = grid_of(20 * torch::randn({kCells, kChannels}));
  for (const torch::Tensor& t : {grid.occupancy, grid.rgb}) {
    EXPECT_GE(t.min().item<float>(), 0);
    EXPECT_LE(t.max().item<float>(), 1);
  }
  EXPECT_LE(grid.offset.abs().max().item<float>(), 0.5F);
  EXPECT_GE(grid.spread.min().item<float>(), 0);
  EXPECT_LE(grid.spread.max().item<float>(), static_cast<float>(kWidestSpread));
}

}  // namespace
}  // namespace lucid::shape
