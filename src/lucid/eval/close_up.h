// SPDX-License-Identifier: Apache-2.0
// What a person sees who comes close: metrics of an asset's pictures at four times the training resolution.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <optional>

#include "lucid/eval/asset_views.h"

namespace lucid::eval {

constexpr int kCloseUpSize = 512;        // pixels per side
constexpr double kTrainingNyquist = 64;  // cycles per picture width: of training pictures of 128 x 128

/// The luminance of each picture without its frequencies up to `cutoff` cycles per picture width.
struct FineDetail {
  torch::Tensor high;    // [V,1,S,S] float
  torch::Tensor inside;  // [V,1,S,S] bool: pixels of the object, without its outline
};
/// pictures [V,3,S,S] in 0..1 over white, alpha [V,1,S,S]. Pixels beside the object do not count: the object's
/// luminance is continued over them without frequencies above the cutoff.
FineDetail fine_detail(const torch::Tensor& pictures, const torch::Tensor& alpha, double cutoff);
/// Mean square of `high` over `inside`, all views together. nullopt if no pixel is inside.
std::optional<double> fine_energy(const FineDetail& detail);

/// Parts of the pictures that are connected with alpha > 0.02, apart from the largest part of each.
struct Floaters {
  double share = 0;     // of the pixels with alpha > 0.02, all views together
  int64_t largest = 0;  // pixels of the largest such part in any view
};
/// alpha [V,1,S,S].
Floaters floaters(const torch::Tensor& alpha);

/// Share of the sum of alpha that lies more than `reach` pixels beside the solid pixels (alpha >= 0.5) of the object.
/// alpha [V,1,S,S]. The object's solid pixels are the largest component of each view. Floaters count as well.
double haze(const torch::Tensor& alpha, int64_t reach);

constexpr int64_t kSmallestFloater = 16;  // pixels of 512 x 512: one of a training picture

/// The metrics of one asset, or of real renders of a word.
struct CloseUp {
  std::optional<double> fine_energy = {};
  double floater_share = 0, haze = 0;
  int64_t largest_floater = 0;                                           // pixels
  std::optional<double> reprojection_error = {}, detail_agreement = {};  // see asset_views.h; not of real renders
};
/// The metrics that need pictures only. pictures [V,3,S,S] over white, alpha [V,1,S,S], S = kCloseUpSize; rounded to 8
/// bits, as a person sees them.
CloseUp look_closer(const torch::Tensor& pictures, const torch::Tensor& alpha);
/// All of them, from 24 views around the asset.
CloseUp look_closer(const gaussians::Cloud& cloud);

}  // namespace lucid::eval
