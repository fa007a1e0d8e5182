// SPDX-License-Identifier: Apache-2.0
// Gaussians at given points: flat ones where the surface's normal is known, round ones elsewhere.
#pragma once

#include <vector>

#include "lucid/base/rng.h"
#include "lucid/gaussians/cloud.h"
#include "lucid/start/surface_samples.h"

namespace lucid::start {

inline constexpr double kSurfaceOpacity = 0.9;  // a surface hides what is behind it, and can still change
inline constexpr double kFlatness = 0.1;        // scale along the normal, as a share of that in the plane

/// One Gaussian a point. scales [N]: standard deviation in the plane. `normals` may be empty, or zero where unknown;
/// the third axis of a flat Gaussian is its normal. Without colours all are mid-grey. SH of degree 0.
gaussians::Cloud gaussians_at(const std::vector<mesh::Point>& positions, const std::vector<mesh::Point>& normals,
                              const std::vector<DisplayColour>& colours, const torch::Tensor& scales);

/// Scales of scattered points: the root of the mean squared distance to the 3 nearest neighbours, at most ten times the
/// median, so that a stray point makes no large Gaussian. [N]
torch::Tensor scales_of_points(const std::vector<mesh::Point>& positions);

/// Brings a cloud to `count` Gaussians. Fewer: a random part, each larger by the root of the ratio. More: random ones
/// are replaced by two children, as densification splits them.
gaussians::Cloud resampled(const gaussians::Cloud& cloud, int64_t count, Rng& rng);

/// The same cloud with SH coefficients of that degree: zeros are added, or coefficients dropped.
gaussians::Cloud with_sh_degree(const gaussians::Cloud& cloud, int degree);

}  // namespace lucid::start
