// SPDX-License-Identifier: Apache-2.0
// Renders an asset from directions around it, framed like the corpus, and measures its multi-view consistency.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::eval {

/// Camera framing of the corpus: a bounding sphere of radius 1 just fits.
struct Framing {
  double polar = 75, radius = 3.2, fovy = 0.68;  // degrees from +z, world units, radians
  int size = 128;                                // pixels per side
};

struct AssetViews {
  torch::Tensor rgb;           // [V,3,S,S] over white
  torch::Tensor depth, alpha;  // [V,1,S,S]: sum of w z, sum of w (w: blending weights)
  std::vector<Camera> cameras;
  std::vector<double> azimuths() const;  // degrees
};

/// Renders `views` views at equal steps of azimuth, the first at 0.
AssetViews render_asset(const gaussians::Cloud& cloud, int views, const Framing& framing = {});

/// Reprojection error: mean absolute colour difference between pixels of neighbouring views that show the same surface
/// point, found by depth. Occluded and transparent pixels do not count. 0 is perfect; NaN if no point is seen twice.
double reprojection_error(const AssetViews& views);
/// Correlation of `planes` [V,1,S,S] between the same pairs of pixels: 1 if neighbouring views agree, 0 if they have
/// nothing in common. NaN if no point is seen twice or a plane is constant.
double reprojection_correlation(const AssetViews& views, const torch::Tensor& planes);

}  // namespace lucid::eval
