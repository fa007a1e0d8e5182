// SPDX-License-Identifier: Apache-2.0
// Decimation and colours for meshes of other programs.
#include "outside_mesh.h"

#include <meshoptimizer.h>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/colour/bake.h"
#include "lucid/mesh/weld.h"

namespace lucid::bench {
namespace {

using mesh::NormalisedCloud;
using mesh::TriangleMesh;

std::vector<mesh::CloudPicture> fitting_pictures(const NormalisedCloud& cloud, const mesh::MeshOptions& options) {
  return mesh::render_pictures(cloud.view(), mesh::fitting_cameras(cloud, options.views, options.picture_size, 0));
}

void to_original(const NormalisedCloud& cloud, TriangleMesh& m) {
  for (mesh::Point& p : m.positions) p = cloud.to_original(p);
}

/// Positions and triangles, with vertices at equal positions made one and degenerate triangles dropped.
TriangleMesh welded(const TriangleMesh& m) {
  const mesh::Welding welding = mesh::weld(m.positions);
  TriangleMesh out;
  for (const uint32_t v : welding.vertex_of) out.positions.push_back(m.positions[v]);
  out.triangles = mesh::welded_triangles(m.triangles, welding);
  return out;
}

void decimate(TriangleMesh& m, int64_t faces) {
  if (int64_t(m.triangles.size()) <= faces) return;
  std::vector<mesh::Triangle> kept(m.triangles.size());
  const size_t indices =
      meshopt_simplify(kept.data()->data(), m.triangles.data()->data(), 3 * m.triangles.size(), &m.positions.data()->x,
                       m.positions.size(), sizeof(mesh::Point), 3 * size_t(faces), 1.0f, 0, nullptr);
  kept.resize(indices / 3);
  m.triangles = std::move(kept);
  std::vector<uint32_t> remap(m.positions.size());
  const size_t used =
      meshopt_optimizeVertexFetchRemap(remap.data(), m.triangles.data()->data(), indices, m.positions.size());
  std::vector<mesh::Point> positions(used);
  meshopt_remapVertexBuffer(positions.data(), m.positions.data(), m.positions.size(), sizeof(mesh::Point),
                            remap.data());
  meshopt_remapIndexBuffer(m.triangles.data()->data(), m.triangles.data()->data(), indices, remap.data());
  m.positions = std::move(positions);
}

}  // namespace

TriangleMesh outside_mesh(TriangleMesh m, const NormalisedCloud& cloud, const mesh::MeshOptions& options) {
  if (!m.colours.empty() || m.texture.width > 0) return m;
  for (mesh::Point& p : m.positions) p = 1 / cloud.unit * (p - cloud.centre);
  m = welded(m);
  decimate(m, options.faces);
  m.normals = mesh::vertex_normals(m);
  m.colours = mesh::bake_vertex_colours(m, fitting_pictures(cloud, options));
  to_original(cloud, m);
  return m;
}

std::vector<Camera> in_original(const NormalisedCloud& cloud, std::vector<Camera> cameras) {
  const double centre[3] = {cloud.centre.x, cloud.centre.y, cloud.centre.z};
  for (Camera& camera : cameras) {
    auto& m = camera.camera_from_world;
    // x_camera = unit (R (x - centre) / unit + t)
    for (size_t row = 0; row < 3; ++row) {
      m[4 * row + 3] *= double(cloud.unit);
      for (size_t k = 0; k < 3; ++k) m[4 * row + 3] -= m[4 * row + k] * centre[k];
    }
    camera.radius *= double(cloud.unit);
  }
  return cameras;
}

}  // namespace lucid::bench
