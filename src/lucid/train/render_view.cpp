// SPDX-License-Identifier: Apache-2.0
// Allocates the pictures and hands their pointers to the rasteriser.
#include "lucid/train/render_view.h"

namespace lucid::train {

RenderedView render_view(render::CpuRasterizer& rasterizer, int frame, const gaussians::Activated& cloud,
                         const Camera& camera, const std::array<float, 3>& background) {
  RenderedView view;
  view.rgb = torch::empty({3, camera.height, camera.width});
  view.depth = torch::empty({1, camera.height, camera.width});
  view.alpha = torch::empty({1, camera.height, camera.width});
  view.radii = torch::empty({cloud.means.size(0)}, torch::kInt32);
  rasterizer.forward(frame, cloud.view(), camera, background,
                     {.rgb = view.rgb.data_ptr<float>(),
                      .depth = view.depth.data_ptr<float>(),
                      .alpha = view.alpha.data_ptr<float>(),
                      .radii = view.radii.data_ptr<int32_t>()});
  return view;
}

}  // namespace lucid::train
