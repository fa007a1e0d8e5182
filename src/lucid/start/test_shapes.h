// SPDX-License-Identifier: Apache-2.0
// Meshes of this folder's tests, and how well a cloud's outline fits a mesh's.
#pragma once

#include <cmath>
#include <numbers>

#include "lucid/camera/sampler.h"
#include "lucid/gaussians/view_renderer.h"
#include "lucid/mesh/rasterize_mesh.h"

namespace lucid::start::test {

inline void add_box(mesh::TriangleMesh& mesh, mesh::Point centre, mesh::Point half) {
  constexpr uint32_t kFaces[6][4] = {{0, 2, 3, 1}, {4, 5, 7, 6}, {0, 1, 5, 4},
                                     {2, 6, 7, 3}, {0, 4, 6, 2}, {1, 3, 7, 5}};
  const auto first = static_cast<uint32_t>(mesh.positions.size());
  for (int k = 0; k < 8; ++k) {
    mesh.positions.push_back({centre.x + ((k & 1) != 0 ? half.x : -half.x),
                              centre.y + ((k & 2) != 0 ? half.y : -half.y),
                              centre.z + ((k & 4) != 0 ? half.z : -half.z)});
  }
  for (const auto& face : kFaces) {
    mesh.triangles.push_back({first + face[0], first + face[1], first + face[2]});
    mesh.triangles.push_back({first + face[0], first + face[2], first + face[3]});
  }
}

/// Thin: a board of 1/25 of its width on four legs of 1/16.
inline mesh::TriangleMesh table() {
  mesh::TriangleMesh mesh;
  add_box(mesh, {0, 0, 0.3F}, {0.5F, 0.35F, 0.02F});
  for (const float x : {-0.45F, 0.45F}) {
    for (const float y : {-0.3F, 0.3F}) add_box(mesh, {x, y, -0.05F}, {0.03F, 0.03F, 0.33F});
  }
  return mesh;
}

inline mesh::TriangleMesh cube() {
  mesh::TriangleMesh mesh;
  add_box(mesh, {}, {0.4F, 0.4F, 0.4F});
  return mesh;
}

inline mesh::TriangleMesh torus() {
  constexpr uint32_t kAround = 64, kTube = 24;
  mesh::TriangleMesh mesh;
  for (uint32_t i = 0; i < kAround; ++i) {
    for (uint32_t j = 0; j < kTube; ++j) {
      const double a = 2 * std::numbers::pi * i / kAround, b = 2 * std::numbers::pi * j / kTube;
      const double r = 0.45 + 0.16 * std::cos(b);
      mesh.positions.push_back({float(r * std::cos(a)), float(r * std::sin(a)), float(0.16 * std::sin(b))});
      const uint32_t i1 = (i + 1) % kAround, j1 = (j + 1) % kTube;
      mesh.triangles.push_back({i * kTube + j, i1 * kTube + j, i1 * kTube + j1});
      mesh.triangles.push_back({i * kTube + j, i1 * kTube + j1, i * kTube + j1});
    }
  }
  return mesh;
}

inline std::vector<Camera> views_around(int size) {
  std::vector<Camera> cameras;
  for (const double theta : {60.0, 85.0}) {
    for (const double phi : {0.0, 50.0, 120.0}) cameras.push_back(orbit_camera(theta, phi, 3.2, 0.5, size, size));
  }
  return cameras;
}

/// One sheet, with nothing behind it.
inline mesh::TriangleMesh sheet() {
  mesh::TriangleMesh mesh;
  mesh.positions = {{-0.5F, 0, -0.4F}, {0.5F, 0, -0.4F}, {0.5F, 0, 0.4F}, {-0.5F, 0, 0.4F}};
  mesh.triangles = {{0, 1, 2}, {0, 2, 3}};
  return mesh;
}

/// Intersection over union of the pixels that the mesh covers and those whose alpha is above 1/2, over all views.
inline double outline_iou(const gaussians::Cloud& cloud, const mesh::TriangleMesh& mesh,
                          const std::vector<Camera>& cameras) {
  gaussians::ViewRenderer renderer(torch::kCPU);
  double both = 0, either = 0;
  for (const Camera& camera : cameras) {
    const mesh::MeshPicture picture = mesh::rasterize_mesh(mesh.positions, mesh.triangles, camera);
    const torch::Tensor alpha = renderer.forward(0, gaussians::activate(cloud), camera, {1, 1, 1}).alpha.contiguous();
    for (size_t i = 0; i < picture.triangle.size(); ++i) {
      const bool in_mesh = picture.triangle[i] >= 0, in_cloud = alpha.data_ptr<float>()[i] > 0.5F;
      both += in_mesh && in_cloud ? 1 : 0;
      either += in_mesh || in_cloud ? 1 : 0;
    }
  }
  return both / either;
}

}  // namespace lucid::start::test
