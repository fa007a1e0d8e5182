// SPDX-License-Identifier: Apache-2.0
// Animations of a cloud.
#include "lucid/asset/pictures/turntable.h"

#include <algorithm>

#include "lucid/asset/pictures/animation.h"
#include "lucid/asset/pictures/video.h"
#include "lucid/asset/pictures/view_picture.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

/// The style with a depth range that all frames share, if it shows depth and has none.
PictureStyle steady(PictureStyle style, const gaussians::Activated& cloud, const std::vector<Camera>& cameras,
                    gaussians::ViewRenderer& renderer) {
  const bool shows_depth = std::ranges::find(style.channels, Channel::kDepth) != style.channels.end();
  if (shows_depth && !style.depth_range) style.depth_range = shared_depth_range(cloud, cameras, renderer);
  return style;
}

}  // namespace

void write_turntable(const std::filesystem::path& file, const gaussians::Activated& cloud, const Turntable& turntable,
                     gaussians::ViewRenderer& renderer) {
  const PictureStyle style = steady(turntable.style, cloud, turntable.cameras, renderer);
  write_animation(file, {.frames = static_cast<int64_t>(turntable.cameras.size()),
                         .fps = turntable.fps,
                         .draw =
                             [&](int64_t i) {
                               return view_picture(cloud, turntable.cameras[static_cast<size_t>(i)], style, renderer);
                             },
                         .on_frame = turntable.on_frame});
}

void write_rgb_and_depth(const std::filesystem::path& folder, const std::string& name,
                         const gaussians::Activated& cloud, const Turntable& turntable,
                         gaussians::ViewRenderer& renderer) {
  LUCID_CHECK(!turntable.cameras.empty() && !turntable.style.background.transparent, "{}: {} cameras", name,
              turntable.cameras.size());
  PictureStyle style = turntable.style;
  style.channels = {Channel::kRgb, Channel::kDepth};
  style = steady(style, cloud, turntable.cameras, renderer);
  const int width = turntable.cameras.front().width, height = turntable.cameras.front().height;
  VideoWriter rgb(folder / (name + "_rgb.mp4"), width, height, {.fps = turntable.fps});
  VideoWriter depth(folder / (name + "_depth.mp4"), width, height, {.fps = turntable.fps});
  int64_t done = 0;
  for (const Camera& camera : turntable.cameras) {
    const torch::Tensor both = view_picture(cloud, camera, style, renderer);  // [3,H,2W]
    rgb.add(both.narrow(2, 0, width));
    depth.add(both.narrow(2, width, width));
    if (turntable.on_frame) turntable.on_frame(++done);
  }
  rgb.finish();
  depth.finish();
}

}  // namespace lucid::asset
