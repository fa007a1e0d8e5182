// SPDX-License-Identifier: Apache-2.0
// OpenPose pictures of a body, as ControlNet's annotator draws them: what an openpose ControlNet was trained on.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "lucid/avatar/pose.h"
#include "lucid/camera/camera.h"

namespace lucid::avatar {

/// Places in a picture, in pixels from its upper left corner; none where a key point is not to be drawn.
using ScreenPoints = std::array<std::optional<Vec2<double>>, kKeyPoints>;

/// How far behind the surface a point of the face may lie and still be seen, for a body of this height.
inline constexpr double kFaceTolerance = 0.02, kFaceToleranceHeight = 1.56;

/// Projects the key points. Those of the face (nose, eyes, ears) are left out where the mesh hides them, since their
/// absence is what tells a back from a front; others are drawn through the body. `body` has key points.
ScreenPoints visible_points(const PosedBody& body, const Camera& camera);

/// The picture [3,H,W] in [0, 1] on black: all joints as discs, then limb by limb ellipses, each blended
/// 0.4 before + 0.6 painted. Disc radius and half-width of a limb are 4 pixels of 512. Centres are those of pixels,
/// angles and half-lengths are cut to whole numbers, as there.
std::vector<float> draw_openpose(const ScreenPoints& points, int width, int height);

}  // namespace lucid::avatar
