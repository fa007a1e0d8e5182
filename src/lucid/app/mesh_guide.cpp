// SPDX-License-Identifier: Apache-2.0
// Draws the mesh's depth with the corpus's renderer.
#include "lucid/app/mesh_guide.h"

#include <cmath>
#include <memory>

#include "lucid/base/error.h"
#include "lucid/distill/image_terms.h"

namespace lucid::app {
namespace {

/// Positions and triangles; the depth needs no more.
corpus::Mesh corpus_mesh(const mesh::TriangleMesh& from) {
  corpus::Mesh mesh{.positions = from.positions, .normals = {}, .triangles = {}, .materials = {corpus::Material{}}};
  for (const mesh::Triangle& t : from.triangles) {
    mesh.triangles.push_back(
        {.position = {static_cast<int32_t>(t[0]), static_cast<int32_t>(t[1]), static_cast<int32_t>(t[2])}});
  }
  return mesh;
}

}  // namespace

MeshGuide::MeshGuide(const std::filesystem::path& obj, int size)
    : mesh_(corpus::read_shape(obj)), renderer_(size, /*supersampling=*/1), size_(size) {}

MeshGuide::MeshGuide(const mesh::TriangleMesh& mesh, int size)
    : mesh_(corpus_mesh(mesh)), renderer_(size, /*supersampling=*/1), size_(size) {}

torch::Tensor MeshGuide::disparity(const std::vector<Camera>& cameras) {
  const torch::Tensor depth = torch::empty({static_cast<int64_t>(cameras.size()), 1, size_, size_});
  for (size_t i = 0; i < cameras.size(); ++i) {
    renderer_.draw_depth(mesh_, cameras[i], depth[static_cast<int64_t>(i)].data_ptr<float>());
  }
  const torch::Tensor transmittance = (depth == 0).to(torch::kFloat);
  return distill::disparity(depth, transmittance, 2 * std::atan(cameras.front().tan_half_fov_x));
}

std::function<torch::Tensor(const std::vector<Camera>&)> shown_mesh(const RunOptions& options) {
  if (options.controlnet_mesh.empty()) return nullptr;
  const ViewOptions& views = options.train.views;
  if (views.width != views.height) {
    throw UserError({.what_happened = fmt::format("a mesh wants square pictures; image_w is {}, image_h {}",
                                                  views.width, views.height),
                     .key = "controlnet_mesh"});
  }
  const auto guide = std::make_shared<MeshGuide>(options.controlnet_mesh, static_cast<int>(views.width));
  return [guide](const std::vector<Camera>& cameras) { return guide->disparity(cameras); };
}

}  // namespace lucid::app
