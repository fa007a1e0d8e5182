// SPDX-License-Identifier: Apache-2.0
// Masks by pictures: which Gaussians make up the white parts of painted views.
#pragma once

#include <filesystem>
#include <vector>

#include "lucid/camera/sampler.h"
#include "lucid/gaussians/view_renderer.h"

namespace lucid::edit {

struct MaskPicture {
  Camera camera;        // of the picture's size
  torch::Tensor white;  // [H,W] float in [0, 1], on the CPU
};
/// The PNG files of a folder that are named as test views of `views`: polar80_azimuth045.png. Any size of the views'
/// proportions. Throws UserError if there are none, and for a picture of other proportions.
std::vector<MaskPicture> read_mask_pictures(const std::filesystem::path& folder, const ViewOptions& views);

/// [N] bool: the Gaussians whose pixels are white for the greater part, each pixel weighed by the share of the Gaussian
/// in its colour, over all pictures. A Gaussian that no picture shows is not inside.
torch::Tensor marked(const gaussians::Cloud& cloud, const std::vector<MaskPicture>& pictures,
                     gaussians::ViewRenderer& renderer);

/// The white pixels of the picture of a view, [H,W] bool of the camera's size; undefined if there is none.
torch::Tensor white_pixels(const std::vector<MaskPicture>& pictures, const Camera& camera);

}  // namespace lucid::edit
