// SPDX-License-Identifier: Apache-2.0
// Pictures of a cloud: a view is rendered once and its channels are drawn side by side.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "lucid/asset/pictures/picture_style.h"
#include "lucid/camera/camera.h"
#include "lucid/gaussians/view_renderer.h"

namespace lucid::asset {

/// Renders a view -> [3,H,W n] in [0, 1] for n channels, or [4,H,W n] with straight alpha in the last channel if the
/// background is transparent. Depth is colour-mapped (depth_image), normals are 0.5 + 0.5 n (normals_of_depth), alpha
/// is grey and opaque. On the CPU. Throws UserError if a supersampled view would have more than kMostPixels.
torch::Tensor view_picture(const gaussians::Activated& cloud, const Camera& camera, const PictureStyle& style,
                           gaussians::ViewRenderer& renderer);

inline constexpr int64_t kMostPixels = int64_t{1} << 26;  // 8192 x 8192, 2 GB

/// The range of z that these views of a cloud show, so that a surface keeps its colour while the camera moves. Looks at
/// some of the views at a low resolution. Empty if nothing is visible.
std::optional<DepthRange> shared_depth_range(const gaussians::Activated& cloud, const std::vector<Camera>& cameras,
                                             gaussians::ViewRenderer& renderer);

}  // namespace lucid::asset
