// SPDX-License-Identifier: Apache-2.0
// Colours at vertices: transfer function, look-up, means.
#include "lucid/asset/mesh_files/vertex_colours.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/math/srgb.h"
#include "lucid/mesh/weld.h"

namespace lucid::asset::mesh_files {
namespace {

std::vector<mesh::Colour> colours_of(const mesh::TriangleMesh& mesh) {
  if (mesh.texture.width == 0) return mesh.colours;
  std::vector<mesh::Colour> colours;
  colours.reserve(mesh.uvs.size());
  for (const Vec2<float>& uv : mesh.uvs) colours.push_back(texture_at(mesh.texture, uv));
  return colours;
}

/// The mean colour of the vertices at each position. [P]
std::vector<mesh::Colour> mean_colours(const std::vector<mesh::Colour>& colours, const mesh::Welding& welding) {
  std::vector<std::array<uint32_t, 4>> sums(welding.vertex_of.size());  // red, green, blue, count
  for (size_t v = 0; v < colours.size(); ++v) {
    auto& sum = sums[welding.position_of[v]];
    for (size_t c = 0; c < 3; ++c) sum[c] += colours[v][c];
    ++sum[3];
  }
  std::vector<mesh::Colour> means;
  means.reserve(sums.size());
  for (const auto& sum : sums) {
    const auto mean = [&](size_t c) { return static_cast<uint8_t>((sum[c] + sum[3] / 2) / sum[3]); };
    means.push_back({mean(0), mean(1), mean(2)});
  }
  return means;
}

}  // namespace

float linear_from_srgb(uint8_t value) { return static_cast<float>(lucid::linear_from_srgb(value / 255.0)); }

uint8_t srgb_from_linear(float value) {
  if (!(value > 0)) return 0;
  return static_cast<uint8_t>(lucid::srgb_from_linear(static_cast<double>(std::min(value, 1.0F))) * 255 + 0.5);
}

mesh::Colour texture_at(const mesh::Texture& texture, const Vec2<float>& uv) {
  const auto wrapped = [](int i, int n) { return (i % n + n) % n; };
  // The fraction first: a uv far outside would overflow an int.
  const double x = (double{uv.x} - std::floor(double{uv.x})) * texture.width - 0.5;
  const double y = (double{uv.y} - std::floor(double{uv.y})) * texture.height - 0.5;
  const int left = static_cast<int>(std::floor(x)), top = static_cast<int>(std::floor(y));
  double sum[3] = {};
  for (int dy = 0; dy < 2; ++dy) {
    for (int dx = 0; dx < 2; ++dx) {
      const double weight = (dx == 1 ? x - left : 1 - (x - left)) * (dy == 1 ? y - top : 1 - (y - top));
      const size_t row = static_cast<size_t>(wrapped(top + dy, texture.height));
      const size_t column = static_cast<size_t>(wrapped(left + dx, texture.width));
      const mesh::Colour& texel = texture.pixels[row * static_cast<size_t>(texture.width) + column];
      for (size_t c = 0; c < 3; ++c) sum[c] += weight * texel[c];
    }
  }
  const auto rounded = [&](size_t c) { return static_cast<uint8_t>(std::min(sum[c] + 0.5, 255.0)); };
  return {rounded(0), rounded(1), rounded(2)};
}

mesh::TriangleMesh welded(const mesh::TriangleMesh& mesh) {
  const mesh::Welding welding = mesh::weld(mesh.positions);
  mesh::TriangleMesh result;
  for (const uint32_t v : welding.vertex_of) {
    result.positions.push_back(mesh.positions[v]);
    if (!mesh.normals.empty()) result.normals.push_back(mesh.normals[v]);
  }
  result.triangles = mesh::welded_triangles(mesh.triangles, welding);
  const std::vector<mesh::Colour> colours = colours_of(mesh);
  if (!colours.empty()) result.colours = mean_colours(colours, welding);
  return result;
}

}  // namespace lucid::asset::mesh_files
