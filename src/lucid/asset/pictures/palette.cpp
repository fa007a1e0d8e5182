// SPDX-License-Identifier: Apache-2.0
// Palettes of GIFs: median cut, k-means, Floyd-Steinberg dithering.
#include "lucid/asset/pictures/palette.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

constexpr int kOpaque = 128;  // alpha from which a pixel is opaque
constexpr size_t kCells = size_t{1} << 18;
/// Weights of squared differences in red, green and blue: the eye sees those in green best.
constexpr std::array<double, 3> kWeights = {2, 4, 3};

struct Sample {
  Palette::Colour colour{};
  double count = 0;
};
using Mean = std::array<double, 3>;

uint32_t packed(const uint8_t* rgb) { return uint32_t{rgb[0]} << 16 | uint32_t{rgb[1]} << 8 | uint32_t{rgb[2]}; }

Palette::Colour unpacked(uint32_t rgb) {
  return {static_cast<uint8_t>(rgb >> 16), static_cast<uint8_t>(rgb >> 8), static_cast<uint8_t>(rgb)};
}

/// The different colours among `pixels` with their counts, in ascending order. Sorts `pixels`.
std::vector<Sample> count_colours(std::vector<uint32_t>& pixels) {
  std::ranges::sort(pixels);
  std::vector<Sample> samples;
  for (size_t i = 0; i < pixels.size(); ++i) {
    if (i == 0 || pixels[i] != pixels[i - 1]) samples.push_back({.colour = unpacked(pixels[i])});
    ++samples.back().count;
  }
  return samples;
}

/// Samples [begin, end): their mean, weighted squared error and the axis along which it is largest.
struct Box {
  size_t begin = 0, end = 0;
  Mean mean{};
  double error = 0;
  size_t axis = 0;
};

Box measured(const std::vector<Sample>& samples, size_t begin, size_t end) {
  Box box{.begin = begin, .end = end};
  double count = 0;
  Mean squares{};
  for (size_t i = begin; i < end; ++i) {
    count += samples[i].count;
    for (size_t c = 0; c < 3; ++c) {
      const double value = samples[i].colour[c];
      box.mean[c] += samples[i].count * value;
      squares[c] += samples[i].count * value * value;
    }
  }
  double largest = -1;
  for (size_t c = 0; c < 3; ++c) {
    box.mean[c] /= count;
    const double error = end - begin == 1 ? 0 : kWeights[c] * (squares[c] - count * box.mean[c] * box.mean[c]);
    box.error += error;
    if (error > largest) {
      largest = error;
      box.axis = c;
    }
  }
  return box;
}

/// Means of at most `most` boxes. Reorders the samples.
std::vector<Mean> median_cut(std::vector<Sample>& samples, size_t most) {
  std::vector<Box> boxes = {measured(samples, 0, samples.size())};
  while (boxes.size() < most) {
    const auto worst = std::ranges::max_element(boxes, {}, &Box::error);
    const Box box = *worst;
    const auto begin = samples.begin() + static_cast<int64_t>(box.begin);
    const auto end = samples.begin() + static_cast<int64_t>(box.end);
    const auto middle =
        std::partition(begin, end, [&](const Sample& s) { return s.colour[box.axis] <= box.mean[box.axis]; });
    if (middle == begin || middle == end) break;  // no box holds two colours
    const auto cut = static_cast<size_t>(middle - samples.begin());
    *worst = measured(samples, box.begin, cut);
    boxes.push_back(measured(samples, cut, box.end));
  }
  std::vector<Mean> means;
  for (const Box& box : boxes) means.push_back(box.mean);
  return means;
}

double distance(const Mean& a, const Mean& b) {
  double sum = 0;
  for (size_t c = 0; c < 3; ++c) sum += kWeights[c] * (a[c] - b[c]) * (a[c] - b[c]);
  return sum;
}

size_t nearest_mean(const std::vector<Mean>& means, const Mean& colour) {
  size_t best = 0;
  double least = std::numeric_limits<double>::max();
  for (size_t k = 0; k < means.size(); ++k) {
    const double d = distance(means[k], colour);
    if (d < least) {
      least = d;
      best = k;
    }
  }
  return best;
}

/// One step of k-means. A mean becomes the commonest colour of its cluster if that makes up more than half of it.
void move_to_clusters(const std::vector<Sample>& samples, std::vector<Mean>& means) {
  struct Cluster {
    double count = 0, of_commonest = 0;
    Mean sum{}, commonest{};
  };
  std::vector<Cluster> clusters(means.size());
  for (const Sample& sample : samples) {
    const Mean colour = {double(sample.colour[0]), double(sample.colour[1]), double(sample.colour[2])};
    Cluster& cluster = clusters[nearest_mean(means, colour)];
    cluster.count += sample.count;
    for (size_t c = 0; c < 3; ++c) cluster.sum[c] += sample.count * colour[c];
    if (sample.count > cluster.of_commonest) {
      cluster.of_commonest = sample.count;
      cluster.commonest = colour;
    }
  }
  for (size_t k = 0; k < means.size(); ++k) {
    const Cluster& cluster = clusters[k];
    if (cluster.count == 0) continue;
    for (size_t c = 0; c < 3; ++c) {
      means[k][c] = 2 * cluster.of_commonest > cluster.count ? cluster.commonest[c] : cluster.sum[c] / cluster.count;
    }
  }
}

}  // namespace

void Palette::add_sample(const uint8_t* pixels, int64_t count, int channels) {
  for (int64_t i = 0; i < count; ++i) {
    const uint8_t* pixel = pixels + i * channels;
    if (channels == 3 || pixel[3] >= kOpaque) samples_.push_back(packed(pixel));
  }
}

void Palette::build() {
  constexpr int kIterations = 4;
  std::vector<Sample> samples = count_colours(samples_);
  samples_ = {};
  std::vector<Mean> means;
  if (!samples.empty()) means = median_cut(samples, kMostColours);
  for (int i = 0; i < kIterations; ++i) move_to_clusters(samples, means);
  for (const Mean& mean : means) {
    Colour colour;
    for (size_t c = 0; c < 3; ++c) colour[c] = static_cast<uint8_t>(std::lround(mean[c]));
    if (exact_.try_emplace(packed(colour.data()), static_cast<uint8_t>(colours_.size())).second)
      colours_.push_back(colour);
  }
  if (colours_.empty()) colours_.push_back({0, 0, 0});  // every sample was transparent
  nearest_.assign(kCells, -1);
}

uint8_t Palette::nearest(const std::array<int, 3>& colour) {
  int16_t& index = nearest_[static_cast<size_t>(colour[0] >> 2 << 12 | colour[1] >> 2 << 6 | colour[2] >> 2)];
  if (index < 0) {
    double least = std::numeric_limits<double>::max();
    for (size_t k = 0; k < colours_.size(); ++k) {
      double sum = 0;
      for (size_t c = 0; c < 3; ++c) {
        const double middle = (colour[c] & ~3) + 1.5, d = middle - colours_[k][c];
        sum += kWeights[c] * d * d;
      }
      if (sum < least) {
        least = sum;
        index = static_cast<int16_t>(k);
      }
    }
  }
  return static_cast<uint8_t>(index);
}

std::vector<uint8_t> Palette::dither(const uint8_t* pixels, int width, int height, int channels) {
  LUCID_CHECK(!colours_.empty(), "build() comes first");
  std::vector<uint8_t> indices(static_cast<size_t>(width) * static_cast<size_t>(height));
  using Error = std::array<int, 3>;  // sixteenths
  // One row above and one below, with a pixel more at either end.
  std::vector<Error> here(static_cast<size_t>(width) + 2), below(here.size());
  for (int y = 0; y < height; ++y) {
    const int step = y % 2 == 0 ? 1 : -1;  // rows run to and fro; one direction alone would show as a pattern
    for (int i = 0, x = step > 0 ? 0 : width - 1; i < width; ++i, x += step) {
      const size_t at = static_cast<size_t>(y) * static_cast<size_t>(width) + static_cast<size_t>(x);
      const uint8_t* pixel = pixels + at * static_cast<size_t>(channels);
      if (channels == 4 && pixel[3] < kOpaque) {
        indices[at] = kTransparent;
        continue;
      }
      if (const auto known = exact_.find(packed(pixel)); known != exact_.end()) {
        indices[at] = known->second;
        continue;
      }
      Error* row = here.data() + 1 + x;
      Error* next = below.data() + 1 + x;
      std::array<int, 3> wanted;
      for (size_t c = 0; c < 3; ++c) wanted[c] = std::clamp(pixel[c] + (row[0][c] + 8) / 16, 0, 255);
      indices[at] = nearest(wanted);
      for (size_t c = 0; c < 3; ++c) {
        const int error = wanted[c] - colours_[indices[at]][c];
        row[step][c] += 7 * error;
        next[-step][c] += 3 * error;
        next[0][c] += 5 * error;
        next[step][c] += error;
      }
    }
    std::swap(here, below);
    std::ranges::fill(below, Error{});
  }
  return indices;
}

}  // namespace lucid::asset
