// SPDX-License-Identifier: Apache-2.0
// Normals of the surface that a rendered depth shows.
#pragma once

#include <torch/torch.h>

#include "lucid/camera/camera.h"

namespace lucid::asset {

/// Alpha from which a pixel counts as surface.
inline constexpr float kSurfaceAlpha = 0.5F;

/// Unit normals [3,H,W] from rendered depth (sum of weight * z) and alpha [1,H,W]: cross products of finite differences
/// of the points at mean depth. A difference is central; where depth jumps, or at an outline, it is the one-sided
/// difference with the smaller step in depth. Axes of the camera as normal maps have them: x right, y up, z towards the
/// camera, so a surface that faces the camera is (0, 0, 1). Zero where alpha < kSurfaceAlpha.
torch::Tensor normals_of_depth(const torch::Tensor& depth, const torch::Tensor& alpha, const Camera& camera);

}  // namespace lucid::asset
