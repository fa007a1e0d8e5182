// SPDX-License-Identifier: Apache-2.0
// Charts in the texture: triangles drawn in UV space, and growth from the charts outwards.
#include "lucid/mesh/colour/chart_map.h"

#include <algorithm>
#include <numeric>

#include "lucid/mesh/rasterize_mesh.h"

namespace lucid::mesh {
namespace {

/// For each vertex, a number that the vertices of its chart share: charts are what shared vertices connect.
std::vector<uint32_t> charts_of_vertices(const TriangleMesh& mesh) {
  std::vector<uint32_t> parent(mesh.uvs.size());
  std::iota(parent.begin(), parent.end(), 0u);
  const auto root = [&](uint32_t v) {
    while (parent[v] != v) v = parent[v] = parent[parent[v]];
    return v;
  };
  for (const Triangle& t : mesh.triangles) {
    for (size_t k = 1; k < 3; ++k) parent[root(t[k])] = root(t[0]);
  }
  for (uint32_t v = 0; v < parent.size(); ++v) parent[v] = root(v);
  return parent;
}

/// The mesh's triangles in texture space, drawn by the rasteriser: a camera whose image plane is the texture.
MeshPicture draw_in_texture(const TriangleMesh& mesh, int size) {
  Camera camera;
  camera.camera_from_world = {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
  camera.tan_half_fov_x = camera.tan_half_fov_y = 1;
  camera.width = camera.height = size;
  std::vector<Point> positions;
  for (const Vec2<float>& uv : mesh.uvs) positions.push_back({2 * uv.x - 1, 2 * uv.y - 1, 1});
  return rasterize_mesh(positions, mesh.triangles, camera);
}

}  // namespace

ChartMap map_charts(const TriangleMesh& mesh, int size) {
  MeshPicture drawn = draw_in_texture(mesh, size);
  const std::vector<uint32_t> chart_of_vertex = charts_of_vertices(mesh);
  ChartMap map;
  map.size = size;
  map.triangle = std::move(drawn.triangle);
  map.barycentric = std::move(drawn.barycentric);
  map.chart.assign(map.triangle.size(), -1);
  std::vector<int32_t> front;
  for (size_t i = 0; i < map.chart.size(); ++i) {
    if (map.triangle[i] < 0) continue;
    map.chart[i] = int32_t(chart_of_vertex[mesh.triangles[size_t(map.triangle[i])][0]]);
    front.push_back(int32_t(i));
  }
  // A chart too thin to cover the centre of any texel gets the texels of its vertices.
  std::vector<bool> covered(mesh.uvs.size());
  for (const int32_t i : front) covered[size_t(map.chart[size_t(i)])] = true;
  for (size_t t = 0; t < mesh.triangles.size(); ++t) {
    for (const uint32_t v : mesh.triangles[t]) {
      const auto texel = [size](float at) { return std::clamp(int(at * float(size)), 0, size - 1); };
      const size_t i = size_t(texel(mesh.uvs[v].y)) * size_t(size) + size_t(texel(mesh.uvs[v].x));
      if (covered[chart_of_vertex[v]] || map.chart[i] >= 0) continue;
      map.chart[i] = int32_t(chart_of_vertex[v]);
      map.triangle[i] = int32_t(t);
      map.barycentric[i] = {v == mesh.triangles[t][1] ? 1.0f : 0.0f, v == mesh.triangles[t][2] ? 1.0f : 0.0f};
      front.push_back(int32_t(i));
    }
  }
  for (size_t next = 0; next < front.size(); ++next) {
    const int32_t from = front[next];
    const int x = from % size, y = from / size;
    const int neighbours[4][2] = {{x - 1, y}, {x + 1, y}, {x, y - 1}, {x, y + 1}};
    for (const auto& [u, v] : neighbours) {
      if (u < 0 || v < 0 || u >= size || v >= size) continue;
      const int32_t texel = v * size + u;
      if (map.chart[size_t(texel)] >= 0) continue;
      map.chart[size_t(texel)] = map.chart[size_t(from)];
      map.outward.push_back({texel, from});
      front.push_back(texel);
    }
  }
  return map;
}

}  // namespace lucid::mesh
