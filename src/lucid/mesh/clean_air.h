// SPDX-License-Identifier: Apache-2.0
// Clean air: which Gaussians are floaters, haze or hidden, by what they contribute to pictures from all around.
#pragma once

#include <cstdint>
#include <vector>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// What counts as air. Defaults: docs/research/close-up.md.
struct AirRules {
  int views = 32, size = 256;  // of the pictures; pixels per side
  int rounds = 3;              // removed haze uncovers floaters that it connected to the object; 0 = nothing is removed
  bool scene_stays =
      true;  // false: the cloud is known to be an object, as one in training is, however much haze it has
  /// A Gaussian is hidden if the sum of its blending weights stays below this in every view, at 512 x 512 pixels.
  float hidden = 0.02f;
  /// A part of a picture apart from the object is air if its alpha stays below `faint`, or if it has fewer pixels than
  /// `speck`, at 512 x 512. Opaque larger parts stay: a snowman's arm, the foot of a pole that is broken.
  float faint = 0.4f, speck = 40;
  /// A Gaussian is haze if in some view the pixels that show it have a mean alpha below this, by its blending weights.
  float haze = 0.1f;
};

/// The indices of the Gaussians that stay, in order. A pure function of its arguments. Of a scene, which has no
/// outside, all stay. Throws UserError if the cloud is empty or all of it is faint.
std::vector<int64_t> without_air(const render::CloudView<float>& cloud, const AirRules& rules = {});

/// PSNR in dB over white inside the object: pixels of the pictures before with alpha above 0.5, in the largest part of
/// each. Infinite if they are equal. The pictures have the same cameras.
double psnr_of_object(const std::vector<CloudPicture>& before, const std::vector<CloudPicture>& after);

}  // namespace lucid::mesh
