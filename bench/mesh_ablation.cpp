// SPDX-License-Identifier: Apache-2.0
// The stages of extract_mesh() with single settings changed, and the same decimation and colours for other meshes.
#include "mesh_ablation.h"

#include <meshoptimizer.h>

#include <algorithm>

#include "lucid/mesh/cloud_pictures.h"
#include "lucid/mesh/colour/bake.h"

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
  std::vector<uint32_t> remap(m.positions.size());
  const size_t count = meshopt_generateVertexRemap(remap.data(), nullptr, m.positions.size(), m.positions.data(),
                                                   m.positions.size(), sizeof(mesh::Point));
  TriangleMesh out;
  out.positions.resize(count);
  for (size_t i = 0; i < remap.size(); ++i) out.positions[remap[i]] = m.positions[i];
  for (const mesh::Triangle& t : m.triangles) {
    const mesh::Triangle joined{remap[t[0]], remap[t[1]], remap[t[2]]};
    if (joined[0] != joined[1] && joined[1] != joined[2] && joined[2] != joined[0]) out.triangles.push_back(joined);
  }
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

TriangleMesh ablated_mesh(const NormalisedCloud& cloud, const mesh::MeshOptions& options, const Ablation& ablation,
                          mesh::MeshReport* report) {
  const auto pictures = fitting_pictures(cloud, options);
  TriangleMesh m = mesh::surface_of(
      cloud.view(), pictures,
      {.resolution = options.resolution > 0 ? options.resolution : 256,
       .faces = options.faces,
       .watertight = options.watertight,
       .density = ablation.density,
       .hull_alpha = ablation.hull_alpha},
      [](const std::string&) {}, &report->surface);
  m.normals = mesh::vertex_normals(m);
  mesh::BakeOptions bake{.texture_size = options.texture_size};
  if (ablation.sweeps >= 0) bake.sweeps = ablation.sweeps;
  if (options.colouring == mesh::Colouring::kVertexColours) {
    m.colours = mesh::bake_vertex_colours(m, pictures, bake);
  } else {
    m = mesh::unwrap(m, {.texture_size = options.texture_size}, &report->atlas);
    m.texture = mesh::bake_texture(m, pictures, bake);
  }
  to_original(cloud, m);
  return m;
}

TriangleMesh outside_mesh(TriangleMesh m, const NormalisedCloud& cloud, const mesh::MeshOptions& options) {
  if (!m.colours.empty() || m.texture.width > 0) return m;
  for (mesh::Point& p : m.positions) p = 1 / cloud.unit * (p - cloud.centre);
  m = welded(m);
  decimate(m, options.faces);
  m.normals = mesh::vertex_normals(m);
  m.colours = mesh::bake_vertex_colours(m, fitting_pictures(cloud, options), {});
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
