// SPDX-License-Identifier: Apache-2.0
// Colours at vertices and the welding of vertices at equal positions.
#include "lucid/asset/mesh_files/vertex_colours.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <unordered_map>

namespace lucid::asset::mesh_files {
namespace {

struct BitsHash {
  size_t operator()(const std::array<uint32_t, 3>& bits) const {
    uint64_t hash = 0;
    for (const uint32_t word : bits) hash = (hash ^ word ^ (hash >> 29)) * 0x9E3779B97F4A7C15U;
    return static_cast<size_t>(hash ^ (hash >> 32));
  }
};

std::vector<mesh::Colour> colours_of(const mesh::TriangleMesh& mesh) {
  if (mesh.texture.width == 0) return mesh.colours;
  std::vector<mesh::Colour> colours;
  colours.reserve(mesh.uvs.size());
  for (const Vec2<float>& uv : mesh.uvs) colours.push_back(texture_at(mesh.texture, uv));
  return colours;
}

/// The mean colour of the vertices at each position. [P]
std::vector<mesh::Colour> mean_colours(const std::vector<mesh::Colour>& colours, const Welding& welding) {
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

float linear_from_srgb(uint8_t value) {
  const double x = value / 255.0;
  return static_cast<float>(x <= 0.04045 ? x / 12.92 : std::pow((x + 0.055) / 1.055, 2.4));
}

uint8_t srgb_from_linear(float value) {
  if (!(value > 0)) return 0;
  const double x = std::min(value, 1.0F);
  const double encoded = x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055;
  return static_cast<uint8_t>(encoded * 255 + 0.5);
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

Welding weld(const std::vector<mesh::Point>& positions) {
  Welding welding;
  welding.position_of.reserve(positions.size());
  std::unordered_map<std::array<uint32_t, 3>, uint32_t, BitsHash> seen;
  for (uint32_t v = 0; v < positions.size(); ++v) {
    const mesh::Point p = positions[v] + mesh::Point{};  // -0 becomes +0
    const std::array<uint32_t, 3> bits = {std::bit_cast<uint32_t>(p.x), std::bit_cast<uint32_t>(p.y),
                                          std::bit_cast<uint32_t>(p.z)};
    const auto [at, is_new] = seen.emplace(bits, static_cast<uint32_t>(welding.vertex_of.size()));
    if (is_new) welding.vertex_of.push_back(v);
    welding.position_of.push_back(at->second);
  }
  return welding;
}

mesh::TriangleMesh welded(const mesh::TriangleMesh& mesh) {
  const Welding welding = weld(mesh.positions);
  mesh::TriangleMesh result;
  for (const uint32_t v : welding.vertex_of) {
    result.positions.push_back(mesh.positions[v]);
    if (!mesh.normals.empty()) result.normals.push_back(mesh.normals[v]);
  }
  for (const mesh::Triangle& t : mesh.triangles) {
    const mesh::Triangle w = {welding.position_of[t[0]], welding.position_of[t[1]], welding.position_of[t[2]]};
    if (w[0] != w[1] && w[1] != w[2] && w[2] != w[0]) result.triangles.push_back(w);
  }
  const std::vector<mesh::Colour> colours = colours_of(mesh);
  if (!colours.empty()) result.colours = mean_colours(colours, welding);
  return result;
}

}  // namespace lucid::asset::mesh_files
