// SPDX-License-Identifier: Apache-2.0
// Axes, scale and checks of meshes that are written.
#include "lucid/asset/mesh_files/frame.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {

double scale_to(const mesh::TriangleMesh& mesh, double size) {
  LUCID_CHECK(size >= 0 && std::isfinite(size), "size {}", size);
  if (size == 0) return 1;
  mesh::Point low = mesh.positions.front(), high = low;
  for (const mesh::Point& p : mesh.positions) {
    low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
    high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
  }
  const double longest = std::max({double{high.x} - low.x, double{high.y} - low.y, double{high.z} - low.z});
  return longest > 0 ? size / longest : 1;
}

mesh::Point scaled(const mesh::Point& p, double scale) {
  return {static_cast<float>(scale * p.x), static_cast<float>(scale * p.y), static_cast<float>(scale * p.z)};
}

void check_mesh(const mesh::TriangleMesh& mesh) {
  const size_t vertices = mesh.positions.size();
  const auto fits = [&](size_t size) { return size == 0 || size == vertices; };
  LUCID_CHECK(
      !mesh.triangles.empty() && fits(mesh.normals.size()) && fits(mesh.uvs.size()) && fits(mesh.colours.size()),
      "{} triangles, {} vertices, {} normals, {} uvs, {} colours", mesh.triangles.size(), vertices, mesh.normals.size(),
      mesh.uvs.size(), mesh.colours.size());
  const mesh::Texture& texture = mesh.texture;
  LUCID_CHECK(texture.pixels.size() == static_cast<size_t>(texture.width) * static_cast<size_t>(texture.height) &&
                  (texture.width == 0 || !mesh.uvs.empty()),
              "{} x {} texture with {} pixels, {} uvs", texture.width, texture.height, texture.pixels.size(),
              mesh.uvs.size());
  for (const mesh::Triangle& t : mesh.triangles) {
    LUCID_CHECK(t[0] < vertices && t[1] < vertices && t[2] < vertices, "triangle {} {} {} of {} vertices", t[0], t[1],
                t[2], vertices);
  }
  for (const mesh::Point& p : mesh.positions) {
    LUCID_CHECK(std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z), "position {} {} {}", p.x, p.y, p.z);
  }
}

std::string one_line_title(const std::string& title) {
  using nlohmann::json;
  // The JSON library replaces invalid UTF-8, which its writer would refuse.
  std::string line = json::parse(json(title).dump(-1, ' ', false, json::error_handler_t::replace)).get<std::string>();
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }, ' ');
  return line;
}

}  // namespace lucid::asset::mesh_files
