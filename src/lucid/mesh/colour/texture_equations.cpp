// SPDX-License-Identifier: Apache-2.0
// The normal equations of a texture: sums over samples, and products with vectors of texels.
#include "lucid/mesh/colour/texture_equations.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/mesh/texture_sampling.h"

namespace lucid::mesh {
namespace {

constexpr int kLevels = 6;       // a sample whose footprint is larger than 32 texels counts at the coarsest
constexpr int kBands = 8;        // parts of a level that threads sum up independently of each other
constexpr float kShare = 0.25f;  // of a fine texel in the coarse one

/// Calls body(parent, texel) for each fine texel that a coarse one averages.
template <class Body>
void for_children(int width, int height, const Body& body) {
  const int coarse_width = next_level_size(width), coarse_height = next_level_size(height);
  parallel_for(coarse_height, 32, [&](int64_t row) {
    for (int x = 0; x < coarse_width; ++x) {
      const size_t parent = size_t(row) * size_t(coarse_width) + size_t(x);
      for (const int64_t v : {2 * row, std::min<int64_t>(2 * row + 1, height - 1)}) {
        for (const int u : {2 * x, std::min(2 * x + 1, width - 1)}) body(parent, size_t(v) * size_t(width) + size_t(u));
      }
    }
  });
}

}  // namespace

TextureEquations::Level::Level(int width, int height) : width(width), height(height) {
  const size_t texels = size_t(width) * size_t(height);
  for (auto* values : {&self, &right, &below_left, &below, &below_right}) values->assign(texels, 0);
  for (auto& values : targets) values.assign(texels, 0);
}

/// Adds one sample's products of bilinear weights to those coefficients that belong to rows in [first_row, end_row).
void TextureEquations::Level::add(const ColourSample& sample, float weight, int first_row, int end_row) {
  const BilinearTaps t(sample.uv, width, height);
  const bool upper = t.y0 >= first_row && t.y0 < end_row, lower = t.y1 >= first_row && t.y1 < end_row;
  if (!upper && !lower) return;
  const float w00 = (1 - t.fx) * (1 - t.fy), w10 = t.fx * (1 - t.fy), w01 = (1 - t.fx) * t.fy, w11 = t.fx * t.fy;
  const size_t i00 = size_t(t.y0) * size_t(width) + size_t(t.x0), i10 = i00 + size_t(t.x1 - t.x0);
  const float colour[3] = {sample.colour.x, sample.colour.y, sample.colour.z};
  const auto add_row = [&](size_t i0, size_t i1, float w0, float w1) {
    self[i0] += weight * w0 * w0;
    self[i1] += weight * w1 * w1;
    right[i0] += weight * w0 * w1;
    for (size_t c = 0; c < 3; ++c) {
      targets[c][i0] += weight * w0 * colour[c];
      targets[c][i1] += weight * w1 * colour[c];
    }
  };
  if (upper) {
    add_row(i00, i10, w00, w10);
    below[i00] += weight * w00 * w01;
    below[i10] += weight * w10 * w11;
    below_right[i00] += weight * w00 * w11;
    below_left[i10] += weight * w10 * w01;
  }
  if (lower) {
    const size_t down = size_t(t.y1 - t.y0) * size_t(width);
    add_row(i00 + down, i10 + down, w01, w11);
  }
}

void TextureEquations::Level::multiply(const std::vector<float>& x, std::vector<float>* product) const {
  product->resize(x.size());
  const int64_t n = int64_t(x.size()), w = width;
  const auto inner = [&](int64_t begin, int64_t end) {
    const float *v = x.data(), *s = self.data(), *r = right.data(), *bl = below_left.data(), *b = below.data(),
                *br = below_right.data();
    float* out = product->data();
    for (int64_t i = begin; i < end; ++i) {
      out[i] = s[i] * v[i] + r[i] * v[i + 1] + r[i - 1] * v[i - 1] + b[i] * v[i + w] + b[i - w] * v[i - w] +
               br[i] * v[i + w + 1] + br[i - w - 1] * v[i - w - 1] + bl[i] * v[i + w - 1] +
               bl[i - w + 1] * v[i - w + 1];
    }
  };
  const auto border = [&](int64_t i) {
    float sum = self[size_t(i)] * x[size_t(i)];
    const auto next = [&](const std::vector<float>& coefficient, int64_t offset) {
      if (i + offset < n) sum += coefficient[size_t(i)] * x[size_t(i + offset)];
      if (i - offset >= 0) sum += coefficient[size_t(i - offset)] * x[size_t(i - offset)];
    };
    next(right, 1);
    next(below_left, w - 1);
    next(below, w);
    next(below_right, w + 1);
    (*product)[size_t(i)] = sum;
  };
  const int64_t first = std::min(n, w + 1), last = std::max(first, n - w - 1);
  for (int64_t i = 0; i < first; ++i) border(i);
  for (int64_t i = last; i < n; ++i) border(i);
  constexpr int64_t kBlock = 1 << 14;
  parallel_for((last - first + kBlock - 1) / kBlock, 1,
               [&](int64_t block) { inner(first + block * kBlock, std::min(last, first + (block + 1) * kBlock)); });
}

TextureEquations::TextureEquations(int size) {
  for (int side = size; int(levels_.size()) < kLevels; side = next_level_size(side)) {
    levels_.emplace_back(side, side);
    if (side == 1) break;
  }
}

void TextureEquations::add(const std::vector<std::vector<ColourSample>>& samples) {
  const float offset = std::log2(float(levels_[0].width)), coarsest = float(levels_.size() - 1);
  parallel_for(int64_t(levels_.size()) * kBands, 1, [&](int64_t job) {
    const size_t l = size_t(job / kBands), band = size_t(job % kBands);
    Level& level = levels_[l];
    const int first_row = int(band) * level.height / kBands, end_row = int(band + 1) * level.height / kBands;
    if (first_row == end_row) return;
    for (const std::vector<ColourSample>& picture : samples) {
      for (const ColourSample& sample : picture) {
        // Trilinear reading splits the sample between two levels.
        const float distance = std::abs(std::clamp(sample.level + offset, 0.0f, coarsest) - float(l));
        if (distance < 1) level.add(sample, sample.weight * (1 - distance), first_row, end_row);
      }
    }
  });
}

void TextureEquations::add_smoothness(const ChartMap& charts, float weight) {
  Level& level = levels_[0];
  const auto link = [&](size_t i, size_t j, std::vector<float>& coefficient) {
    if (charts.chart[i] != charts.chart[j]) return;
    level.self[i] += weight;
    level.self[j] += weight;
    coefficient[i] -= weight;
  };
  for (int y = 0; y < level.height; ++y) {
    for (int x = 0; x < level.width; ++x) {
      const size_t i = size_t(y) * size_t(level.width) + size_t(x);
      if (x + 1 < level.width) link(i, i + 1, level.right);
      if (y + 1 < level.height) link(i, i + size_t(level.width), level.below);
    }
  }
}

void TextureEquations::add_seams(std::vector<SeamRow> rows, float weight) {
  seams_ = std::move(rows);
  seam_weight_ = weight;
}

/// Brings values of every level to the finest: each fine texel gets `share` of its parent's sum.
std::vector<float> TextureEquations::sum_levels(std::vector<std::vector<float>> of_levels, float share) const {
  for (size_t l = levels_.size() - 1; l > 0; --l) {
    std::vector<float>& fine = of_levels[l - 1];
    const std::vector<float>& coarse = of_levels[l];
    for_children(levels_[l - 1].width, levels_[l - 1].height,
                 [&](size_t parent, size_t texel) { fine[texel] += share * coarse[parent]; });
  }
  return std::move(of_levels[0]);
}

void TextureEquations::multiply(const std::vector<float>& x, std::vector<float>* product) const {
  std::vector<std::vector<float>> products(levels_.size());
  std::vector<float> values = x;
  for (size_t l = 0; l < levels_.size(); ++l) {
    levels_[l].multiply(values, &products[l]);
    if (l + 1 == levels_.size()) break;
    std::vector<float> coarse(levels_[l + 1].self.size(), 0.0f);
    for_children(levels_[l].width, levels_[l].height,
                 [&](size_t parent, size_t texel) { coarse[parent] += kShare * values[texel]; });
    values = std::move(coarse);
  }
  *product = sum_levels(std::move(products), kShare);
  for (const SeamRow& row : seams_) {
    float difference = 0;
    for (size_t k = 0; k < 8; ++k) difference += row.weight[k] * x[size_t(row.texel[k])];
    for (size_t k = 0; k < 8; ++k) (*product)[size_t(row.texel[k])] += seam_weight_ * difference * row.weight[k];
  }
}

std::vector<float> TextureEquations::diagonal() const {
  std::vector<std::vector<float>> selves;
  for (const Level& level : levels_) selves.push_back(level.self);
  std::vector<float> sum = sum_levels(std::move(selves), kShare * kShare);
  for (const SeamRow& row : seams_) {
    for (size_t k = 0; k < 8; ++k) sum[size_t(row.texel[k])] += seam_weight_ * row.weight[k] * row.weight[k];
  }
  return sum;
}

std::vector<float> TextureEquations::right_hand_side(size_t colour) const {
  std::vector<std::vector<float>> targets;
  for (const Level& level : levels_) targets.push_back(level.targets[colour]);
  return sum_levels(std::move(targets), kShare);
}

std::vector<float> TextureEquations::visibility() const {
  std::vector<float> sums;
  multiply(std::vector<float>(levels_[0].self.size(), 1.0f), &sums);
  return sums;
}

}  // namespace lucid::mesh
