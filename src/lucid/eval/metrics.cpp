// SPDX-License-Identifier: Apache-2.0
// Image metrics on libtorch, view metrics, bootstrap.
#include "lucid/eval/metrics.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/rng.h"

namespace lucid::eval {
namespace {

constexpr double kInside = 0.9;         // minimum alpha of a pixel of the object
constexpr int64_t kThumbnail = 32;      // pixels per side
constexpr double kFrontOrBack = 45.01;  // degrees

constexpr int64_t kFromOutline = 3;  // pixels

double mean_inside(const torch::Tensor& values, const torch::Tensor& inside) {
  const double count = inside.sum().item<double>();
  return count == 0 ? 0 : (values * inside).sum().item<double>() / count;
}

/// Magnitude of the luminance gradient (central differences) of pictures [V,3,S,S], without the border: [V,1,S-2,S-2].
torch::Tensor luminance_gradient(const torch::Tensor& pictures) {
  const torch::Tensor weights = torch::tensor({0.299, 0.587, 0.114}, pictures.options()).view({1, 3, 1, 1});
  const torch::Tensor y = (pictures * weights).sum(1, /*keepdim=*/true);
  const torch::Tensor dx = (y.slice(3, 2) - y.slice(3, 0, -2)).slice(2, 1, -1) / 2;
  const torch::Tensor dy = (y.slice(2, 2) - y.slice(2, 0, -2)).slice(3, 1, -1) / 2;
  return (dx.square() + dy.square()).sqrt();
}

/// Mask of the object without the border, [V,1,S-2,S-2], in the dtype of `like`.
torch::Tensor inside_of(const torch::Tensor& alpha, const torch::Tensor& like) {
  return (alpha.slice(2, 1, -1).slice(3, 1, -1) > kInside).to(like.dtype());
}

}  // namespace

int64_t rank_of(const torch::Tensor& word_logits, int64_t word) {
  LUCID_CHECK(word_logits.dim() == 2 && word >= 0 && word < word_logits.size(1), "{} of {}", word,
              word_logits.size(-1));
  const torch::Tensor log_probability = word_logits.log_softmax(1).mean(0);  // [W]
  return 1 + (log_probability > log_probability[word]).sum().item<int64_t>();
}

double sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha) {
  return mean_inside(luminance_gradient(pictures), inside_of(alpha, pictures));
}

std::optional<double> surface_sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha) {
  const torch::Tensor outside = 1 - inside_of(alpha, pictures);
  const torch::Tensor near = torch::max_pool2d(outside, 2 * kFromOutline + 1, 1, kFromOutline);
  const torch::Tensor surface = 1 - near;
  if (surface.sum().item<double>() == 0) return std::nullopt;
  return mean_inside(luminance_gradient(pictures), surface);
}

double saturation(const torch::Tensor& pictures, const torch::Tensor& alpha) {
  return mean_inside(pictures.amax(1, true) - pictures.amin(1, true), (alpha > kInside).to(pictures.dtype()));
}

double distance_to_nearest(const torch::Tensor& pictures, const torch::Tensor& real) {
  const auto thumbnails = [](const torch::Tensor& x) {
    return torch::adaptive_avg_pool2d(x, {kThumbnail, kThumbnail}).flatten(1);
  };
  const torch::Tensor ours = thumbnails(pictures), theirs = thumbnails(real);  // [V,P], [R,P]
  const auto numbers = static_cast<double>(ours.size(1));
  return (std::get<0>(torch::cdist(ours, theirs).min(1)) / std::sqrt(numbers)).mean().item<double>();
}

double view_accuracy(const torch::Tensor& sector_logits, const std::vector<double>& azimuths) {
  const torch::Tensor seen = sector_logits.argmax(1);
  int64_t right = 0;
  for (size_t view = 0; view < azimuths.size(); ++view) {
    right += sectors_apart(seen[static_cast<int64_t>(view)].item<int64_t>(), sector_of(azimuths[view])) <= 1;
  }
  return static_cast<double>(right) / static_cast<double>(azimuths.size());
}

std::vector<int64_t> sides_seen(const torch::Tensor& sector_logits) {
  const torch::Tensor degrees = (sector_logits.argmax(1) * (360 / kSectors)).contiguous();
  return {degrees.data_ptr<int64_t>(), degrees.data_ptr<int64_t>() + degrees.numel()};
}

bool shows_a_second_front(const torch::Tensor& sector_logits, const std::vector<double>& azimuths) {
  const torch::Tensor p = sector_logits.softmax(1).to(torch::kDouble).contiguous();  // [V,kSectors]
  double front = 0, back = 0;
  for (size_t view = 0; view < azimuths.size(); ++view) {
    if (std::abs(std::remainder(azimuths[view] - 180, 360.0)) > kFrontOrBack) continue;
    const double* row = p[static_cast<int64_t>(view)].data_ptr<double>();
    for (int64_t k = -1; k <= 1; ++k) {
      front += row[(k + kSectors) % kSectors];
      back += row[(k + kSectors / 2) % kSectors];
    }
  }
  return front > back;
}

Interval bootstrap_mean(const std::vector<double>& values, uint64_t seed, int resamples) {
  LUCID_CHECK(!values.empty() && resamples > 0, "{} values, {} resamples", values.size(), resamples);
  const auto count = static_cast<int64_t>(values.size());
  Rng rng(seed, "bootstrap");
  std::vector<double> means;
  for (int i = 0; i < resamples; ++i) {
    double sum = 0;
    for (int64_t k = 0; k < count; ++k) sum += values[static_cast<size_t>(rng.integer(0, count))];
    means.push_back(sum / static_cast<double>(count));
  }
  std::ranges::sort(means);
  const auto at = [&](double share) { return means[static_cast<size_t>(share * static_cast<double>(resamples - 1))]; };
  double sum = 0;
  for (const double value : values) sum += value;
  return {.mean = sum / static_cast<double>(count), .low = at(0.025), .high = at(0.975)};
}

}  // namespace lucid::eval
