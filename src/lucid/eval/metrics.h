// SPDX-License-Identifier: Apache-2.0
// Metrics of one asset, from its pictures and the judge's logits, and bootstrap intervals of means.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lucid/eval/judge.h"

namespace lucid::eval {

/// Rank of word index `word` by the judge's log-probabilities, averaged over views; 1 = first. Logits [V,W].
/// R-precision is the share of assets with rank 1, over the whole vocabulary.
int64_t rank_of(const torch::Tensor& word_logits, int64_t word);

/// Mean magnitude of the luminance gradient over the object's pixels of all views. pictures [V,3,S,S] in 0..1 over
/// white, alpha [V,1,S,S]. Comparable between pictures of the same size only. It includes the outline, so a smooth thin
/// object with a crisp outline is sharp.
double sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha);
/// sharpness() of the pixels at least three pixels inside the outline: detail on the surface. nullopt if there are
/// none.
std::optional<double> surface_sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha);

/// Mean of max - min of the three channels over the object's pixels.
double saturation(const torch::Tensor& pictures, const torch::Tensor& alpha);

/// Root mean square difference of each picture [V,3,S,S] to the nearest of `real` [R,3,S,S], at 32 x 32 pixels,
/// averaged over V. A small value means that the asset copies a training picture.
double distance_to_nearest(const torch::Tensor& pictures, const torch::Tensor& real);

/// Share of the V views whose predicted sector (argmax of logits [V,kSectors]) is the true one or a neighbour.
double view_accuracy(const torch::Tensor& sector_logits, const std::vector<double>& azimuths);

/// Azimuth of each view's predicted sector, degrees, [V] in 0..315.
std::vector<int64_t> sides_seen(const torch::Tensor& sector_logits);

/// Janus problem: whether, on average over the views within 45 degrees of the back, the judge gives more probability to
/// the three front sectors than to the three back sectors.
bool shows_a_second_front(const torch::Tensor& sector_logits, const std::vector<double>& azimuths);

/// Mean, and the 2.5 % and 97.5 % quantiles of bootstrapped means.
struct Interval {
  double mean = 0, low = 0, high = 0;
};
Interval bootstrap_mean(const std::vector<double>& values, uint64_t seed = 0, int resamples = 10000);

}  // namespace lucid::eval
