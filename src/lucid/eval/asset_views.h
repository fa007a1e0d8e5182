// SPDX-License-Identifier: Apache-2.0
// An asset's pictures as the judge sees them, and how well they agree with one another as pictures of one solid thing.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::eval {

/// The framing of the corpus: the object's bounding sphere of radius 1 just fits.
struct Framing {
  double polar = 75, radius = 3.2, fovy = 0.68;  // degrees from +z, world units, radians
  int size = 128;                                // pixels a side
};

struct AssetViews {
  torch::Tensor rgb;           // [V,3,S,S] over white
  torch::Tensor depth, alpha;  // [V,1,S,S]: sum of w z, sum of w
  std::vector<Camera> cameras;
  std::vector<double> azimuths() const;  // degrees
};

/// `views` of them around the object, the first at azimuth 0.
AssetViews render_asset(const gaussians::Cloud& cloud, int views, const Framing& framing = {});

/// Mean absolute difference of colour between pixels of neighbouring views that show the same point of the surface (by
/// depth; occluded and see-through pixels do not count). 0 is perfect; NaN if no point is seen twice.
double reprojection_error(const AssetViews& views);

}  // namespace lucid::eval
