// SPDX-License-Identifier: Apache-2.0
// Compares what a shape model says with the models.
#include "lucid/pretrain/shape/measure.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <map>
#include <numbers>

#include "lucid/gaussians/starts.h"
#include "lucid/shape/points.h"

namespace lucid::pretrain {
namespace {

constexpr size_t kMeasured = 96;  // learned models, evenly spaced
constexpr int64_t kOutlinePoints = 700;
constexpr double kSphereRadius = 0.7;  // of the embedded prior's presets
constexpr int kOutlineSize = 32;       // pixels a side, over [-1, 1]
constexpr int kSides = 4;

using Outline = std::bitset<kOutlineSize * kOutlineSize>;

class Means {
 public:
  void add(const std::string& key, double value) {
    auto& [sum, count] = sums_[key];
    sum += value;
    ++count;
  }
  nlohmann::ordered_json json() const {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [key, sum] : sums_) json[key] = sum.first / static_cast<double>(sum.second);
    return json;
  }

 private:
  std::map<std::string, std::pair<double, int64_t>> sums_;
};

torch::Tensor occupied_cells(const torch::Tensor& raw) {
  return (shape::occupancy_logits(raw).sigmoid() > shape::kOccupied).nonzero().view({-1});
}

Outline outline_of(const torch::Tensor& points, double azimuth) {
  Outline outline;
  const torch::Tensor p = points.contiguous();
  const float* xyz = p.data_ptr<float>();
  const auto pixel = [](double x) { return static_cast<int>(std::floor((x + 1) / 2 * kOutlineSize)); };
  for (int64_t i = 0; i < p.size(0); ++i, xyz += 3) {
    const int column = pixel(std::cos(azimuth) * xyz[0] + std::sin(azimuth) * xyz[1]), row = pixel(xyz[2]);
    for (int y = std::max(0, row - 1); y <= std::min(kOutlineSize - 1, row + 1); ++y) {
      for (int x = std::max(0, column - 1); x <= std::min(kOutlineSize - 1, column + 1); ++x)
        outline.set(static_cast<size_t>(y * kOutlineSize + x));
    }
  }
  return outline;
}

shape::Grid grid_of_target(const ShapeTarget& target) {
  const auto filled = [&](const torch::Tensor& values) {
    return torch::zeros({shape::kCells, 3}).index_copy_(0, target.cells, values);
  };
  return {.occupancy = torch::zeros({shape::kCells}).index_fill_(0, target.cells, 1),
          .rgb = filled(target.rgb.at("")),
          .offset = filled(target.offset),
          .spread = filled(target.spread)};
}

/// Points in cells, which are chosen by the square of the share of the word's other models that occupy them.
torch::Tensor mean_points(const ShapeData& data, const ShapeItem& without, Rng& rng) {
  torch::Tensor occupancy = torch::zeros({shape::kCells});
  for (const ShapeItem& item : data.items) {
    if (item.word == without.word && item.variant != without.variant && item.learned)
      occupancy.index_add_(0, item.target.cells, torch::ones({item.target.cells.numel()}));
  }
  const torch::Tensor sums = occupancy.square().to(torch::kDouble).cumsum(0);
  const double* begin = sums.data_ptr<double>();
  torch::Tensor points = torch::empty({kOutlinePoints, 3});
  for (int64_t i = 0; i < kOutlinePoints; ++i) {
    const double wanted = rng.uniform() * begin[shape::kCells - 1];
    const int64_t cell = std::upper_bound(begin, begin + shape::kCells - 1, wanted) - begin;
    const int64_t corner[3] = {cell % shape::kSide, cell / shape::kSide % shape::kSide,
                               cell / (shape::kSide * shape::kSide)};
    for (int64_t axis = 0; axis < 3; ++axis) {
      points.data_ptr<float>()[3 * i + axis] =
          static_cast<float>((static_cast<double>(corner[axis]) + rng.uniform()) * shape::kCellSize - shape::kHalf);
    }
  }
  return points;
}

/// Learned variants of the item's word, other than itself.
std::vector<int64_t> others_of(const ShapeData& data, const ShapeItem& item) {
  std::vector<int64_t> variants;
  for (const ShapeItem& other : data.items) {
    if (other.word == item.word && other.variant != item.variant && other.learned) variants.push_back(other.variant);
  }
  return variants;
}

void measure_outlines(shape::Decoder& decoder, const ShapeData& data, size_t index, Means& means) {
  const ShapeItem& item = data.items[index];
  const std::vector<int64_t> others = others_of(data, item);
  if (others.empty()) return;
  Rng rng(0, "outlines", index);
  const torch::Tensor truth = shape::points_of(grid_of_target(item.target), kOutlinePoints, rng).xyz;
  const torch::Tensor raw =
      decoder->forward(data.text(item.word, "").unsqueeze(0), torch::tensor({pick(others, rng)}, torch::kLong))[0];
  const torch::Tensor learned = shape::points_of(shape::grid_of(raw), kOutlinePoints, rng).xyz;
  const gaussians::StartOptions sphere{.count = kOutlinePoints, .radius = kSphereRadius, .seed = index};
  means.add("other_outline", outline_overlap(learned, truth));
  means.add("sphere_outline", outline_overlap(gaussians::make_start(sphere).means, truth));
  means.add("mean_outline", outline_overlap(mean_points(data, item, rng), truth));
}

}  // namespace

double outline_overlap(const torch::Tensor& a, const torch::Tensor& b) {
  double both = 0, either = 0;
  for (int side = 0; side < kSides; ++side) {
    const double azimuth = side * std::numbers::pi / kSides;  // the other half turn shows mirror images
    const Outline x = outline_of(a, azimuth), y = outline_of(b, azimuth);
    both += static_cast<double>((x & y).count());
    either += static_cast<double>((x | y).count());
  }
  return either == 0 ? 1 : both / either;
}

nlohmann::ordered_json measure_shapes(shape::Decoder decoder, const ShapeData& data) {
  const torch::NoGradGuard no_grad;
  const auto raw_of = [&](const ShapeItem& item, const std::string& said) {
    return decoder->forward(data.text(item.word, said).unsqueeze(0), torch::tensor({item.variant}, torch::kLong))[0];
  };
  const auto difference = [](const torch::Tensor& raw, const ShapeItem& item, const std::string& colour) {
    const torch::Tensor there = shape::colours_of(raw.index_select(0, item.target.cells));
    return (there - item.target.rgb.at(colour)).abs().mean().item<double>();
  };
  Means means;
  const bool leaves_out = !std::ranges::all_of(data.items, &ShapeItem::learned);
  const size_t every = std::max<size_t>(1, data.items.size() / kMeasured);
  for (size_t i = 0; i < data.items.size(); ++i) {
    const ShapeItem& item = data.items[i];
    if (!item.learned || !leaves_out) measure_outlines(decoder, data, i, means);
    if (!item.learned) continue;
    if (i % every == 0) {
      const torch::Tensor raw = raw_of(item, "");
      means.add("overlap", cells_in_common(occupied_cells(raw), item.target.cells));
      means.add("colour_error", difference(raw, item, ""));
    }
    for (const std::string& colour : item.held_out) {
      means.add("unseen_colour_error", difference(raw_of(item, colour), item, colour));
      means.add("unseen_colour_before",
                (item.target.rgb.at("") - item.target.rgb.at(colour)).abs().mean().item<double>());
    }
  }
  return means.json();
}

}  // namespace lucid::pretrain
