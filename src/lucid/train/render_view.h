// SPDX-License-Identifier: Apache-2.0
// Tensors in, tensors out of the rasteriser: one view of a cloud.
#pragma once

#include <torch/torch.h>

#include <array>

#include "lucid/gaussians/cloud.h"
#include "lucid/render/rasterize.h"

namespace lucid::train {

struct RenderedView {
  torch::Tensor rgb;    // [3,H,W] over the background
  torch::Tensor depth;  // [1,H,W]
  torch::Tensor alpha;  // [1,H,W]
  torch::Tensor radii;  // [N] int32
};

RenderedView render_view(render::CpuRasterizer& rasterizer, int frame, const gaussians::Activated& cloud,
                         const Camera& camera, const std::array<float, 3>& background);

}  // namespace lucid::train
