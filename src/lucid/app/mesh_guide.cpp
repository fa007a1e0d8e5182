// SPDX-License-Identifier: Apache-2.0
// Draws the mesh's depth with the corpus's renderer.
#include "lucid/app/mesh_guide.h"

#include <cmath>

#include "lucid/distill/image_terms.h"

namespace lucid::app {

MeshGuide::MeshGuide(const std::filesystem::path& obj, int size)
    : mesh_(corpus::read_shape(obj)), renderer_(size, /*supersampling=*/1), size_(size) {}

torch::Tensor MeshGuide::disparity(const std::vector<Camera>& cameras) {
  const torch::Tensor depth = torch::empty({static_cast<int64_t>(cameras.size()), 1, size_, size_});
  for (size_t i = 0; i < cameras.size(); ++i) {
    renderer_.draw_depth(mesh_, cameras[i], depth[static_cast<int64_t>(i)].data_ptr<float>());
  }
  const torch::Tensor transmittance = (depth == 0).to(torch::kFloat);
  return distill::disparity(depth, transmittance, 2 * std::atan(cameras.front().tan_half_fov_x));
}

}  // namespace lucid::app
