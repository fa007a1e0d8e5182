// SPDX-License-Identifier: Apache-2.0
// Animations of a cloud: a camera moves, and each frame is a picture of one style.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "lucid/asset/pictures/picture_style.h"
#include "lucid/camera/camera.h"
#include "lucid/gaussians/view_renderer.h"

namespace lucid::asset {

struct Turntable {
  std::vector<Camera> cameras;                      // one a frame, all of one size
  PictureStyle style = {};                          // without a depth range: one that all frames share
  int fps = 30;                                     // frames a second
  std::function<void(int64_t done)> on_frame = {};  // after each frame; may be empty
};

/// Writes an animation in the format of the file's extension (animation.h). Throws UserError.
void write_turntable(const std::filesystem::path& file, const gaussians::Activated& cloud, const Turntable& turntable,
                     gaussians::ViewRenderer& renderer);
/// Writes NAME_rgb.mp4 and NAME_depth.mp4 to `folder` and renders each view once. The style's channels have no effect;
/// its background must not be transparent. Throws UserError.
void write_rgb_and_depth(const std::filesystem::path& folder, const std::string& name,
                         const gaussians::Activated& cloud, const Turntable& turntable,
                         gaussians::ViewRenderer& renderer);

}  // namespace lucid::asset
