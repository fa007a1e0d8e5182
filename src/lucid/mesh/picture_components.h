// SPDX-License-Identifier: Apache-2.0
// Connected components of a picture's alpha: the object, and what floats apart from it.
#pragma once

#include <cstdint>
#include <vector>

namespace lucid::mesh {

/// The 8-connected components of the pixels above a threshold.
struct PictureComponents {
  std::vector<int32_t> label;   // [H,W] number of the pixel's component; -1 = none
  std::vector<int64_t> pixels;  // of each component
  int32_t largest = -1;         // the component with most pixels; -1 if there is none
};

/// alpha [H,W]. `threshold`: a pixel counts if its alpha is greater.
PictureComponents picture_components(const float* alpha, int width, int height, float threshold);

}  // namespace lucid::mesh
