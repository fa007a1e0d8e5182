// SPDX-License-Identifier: Apache-2.0
// Numbers of one asset from its pictures, and what becomes of many of them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lucid/eval/judge.h"

namespace lucid::eval {

/// Place of `word` (index) in the judge's opinion of an asset: 1 = first. Logits [V,W] of V views; their
/// log-probabilities are averaged. This is R-precision's rank over the whole vocabulary.
int64_t rank_of(const torch::Tensor& word_logits, int64_t word);

/// Mean over views of |gradient| of the luminance inside the object, per pixel of it; pictures [V,3,S,S] in 0..1 over
/// white, alpha [V,1,S,S]. Only meaningful as a ratio between pictures of the same size. The outline is in it: a smooth
/// thin thing with a crisp edge is sharp.
double sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha);
/// The same of the pixels that are three or more away from the outline: what is drawn on the surface. Empty where
/// nothing is as thick as that.
std::optional<double> surface_sharpness(const torch::Tensor& pictures, const torch::Tensor& alpha);

/// Mean over the object's pixels of max - min of the three channels.
double saturation(const torch::Tensor& pictures, const torch::Tensor& alpha);

/// Root mean square difference at 32 x 32 between each picture [V,3,S,S] and the nearest of `real` [R,3,S,S]; the mean
/// over V. Small values say that the asset copies a picture.
double distance_to_nearest(const torch::Tensor& pictures, const torch::Tensor& real);

/// Share of views [V] whose sector (argmax of logits [V,kSectors]) is the true one or a neighbour of it.
double view_accuracy(const torch::Tensor& sector_logits, const std::vector<double>& azimuths);

/// What the judge takes each view for: the azimuth of its first sector, degrees [V] in 0..315.
std::vector<int64_t> sides_seen(const torch::Tensor& sector_logits);

/// Whether the back shows a front: in the views within 45 degrees of straight back, the judge puts more probability on
/// the three front sectors than on the three back ones, on average.
bool shows_a_second_front(const torch::Tensor& sector_logits, const std::vector<double>& azimuths);

/// Mean and the 2.5 % and 97.5 % points of bootstrapped means.
struct Interval {
  double mean = 0, low = 0, high = 0;
};
Interval bootstrap_mean(const std::vector<double>& values, uint64_t seed = 0, int resamples = 10000);

}  // namespace lucid::eval
