// SPDX-License-Identifier: Apache-2.0
// How much of each Gaussian pictures show: what no view sees can be left out of a file.
#pragma once

#include <vector>

#include "lucid/camera/camera.h"
#include "lucid/render/rasterize.h"

namespace lucid::mesh {

/// For each Gaussian, the greatest over the cameras of the sum of its blending weights over a picture's pixels. [N]
std::vector<float> seen_weights(const render::CloudView<float>& cloud, const std::vector<Camera>& cameras);

}  // namespace lucid::mesh
