// SPDX-License-Identifier: Apache-2.0
// Meshes of this folder's tests, and binary glTF files from text.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "lucid/asset/mesh_files/little_endian.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::test {

/// A side of the marked box: its colour, the direction it faces, and the direction that is up for who looks at it.
struct BoxSide {
  const char* name;
  mesh::Colour colour;
  mesh::Point outward, up;
};
/// Left and right are the object's own; it looks towards +y.
inline const std::array<BoxSide, 6> kBoxSides = {{
    {"front", {230, 20, 10}, {0, 1, 0}, {0, 0, 1}},
    {"back", {10, 220, 230}, {0, -1, 0}, {0, 0, 1}},
    {"left", {20, 200, 30}, {-1, 0, 0}, {0, 0, 1}},
    {"right", {220, 30, 210}, {1, 0, 0}, {0, 0, 1}},
    {"top", {25, 15, 240}, {0, 0, 1}, {0, -1, 0}},
    {"bottom", {240, 235, 5}, {0, 0, -1}, {0, 1, 0}},
}};
inline constexpr mesh::Point kBoxCentre{0.1F, 0.2F, -0.05F}, kBoxHalf{0.5F, 0.3F, 0.8F};
inline constexpr int kBoxCell = 16;  // texels; the texture has 3 x 2 cells, one a side
inline constexpr int kBoxMark = 5;   // texels of the white mark in each cell's upper left corner

/// A closed box with a side of each colour, normals, and texture coordinates. Each side has four vertices of its own:
/// lower left, lower right, upper right, upper left, seen from outside. The upper left one lies in the white mark.
inline mesh::TriangleMesh marked_box() {
  mesh::TriangleMesh box;
  const int width = 3 * kBoxCell, height = 2 * kBoxCell;
  box.texture = {.width = width, .height = height, .pixels = std::vector<mesh::Colour>(size_t(width * height))};
  for (int side = 0; side < 6; ++side) {
    const auto& [name, colour, n, up] = kBoxSides[size_t(side)];
    const mesh::Point right = cross(up, n);
    const int x0 = side % 3 * kBoxCell, y0 = side / 3 * kBoxCell;
    for (int y = 0; y < kBoxCell; ++y) {
      for (int x = 0; x < kBoxCell; ++x) {
        const bool mark = x < kBoxMark && y < kBoxMark;
        box.texture.pixels[size_t((y0 + y) * width + x0 + x)] = mark ? mesh::Colour{255, 255, 255} : colour;
      }
    }
    const auto first = static_cast<uint32_t>(box.positions.size());
    for (const auto& [a, b] : {std::pair(-1.0F, -1.0F), {1.0F, -1.0F}, {1.0F, 1.0F}, {-1.0F, 1.0F}}) {
      const mesh::Point p = n + a * right + b * up;
      box.positions.push_back(kBoxCentre + mesh::Point{p.x * kBoxHalf.x, p.y * kBoxHalf.y, p.z * kBoxHalf.z});
      box.normals.push_back(n);
      const float inset = 2.5F;  // a texel's centre, so that its neighbours do not mix in
      const float u = static_cast<float>(x0) + (a < 0 ? inset : kBoxCell - inset);
      const float v = static_cast<float>(y0) + (b > 0 ? inset : kBoxCell - inset);
      box.uvs.push_back({u / static_cast<float>(width), v / static_cast<float>(height)});
    }
    box.triangles.push_back({first, first + 1, first + 2});
    box.triangles.push_back({first, first + 2, first + 3});
  }
  return box;
}

/// The same with the sides' colours at the vertices in place of the texture.
inline mesh::TriangleMesh coloured_box() {
  mesh::TriangleMesh box = marked_box();
  box.texture = {};
  box.uvs.clear();
  for (size_t v = 0; v < box.positions.size(); ++v) box.colours.push_back(kBoxSides[v / 4].colour);
  return box;
}

/// One triangle without anything else.
inline mesh::TriangleMesh one_triangle() {
  mesh::TriangleMesh mesh;
  mesh.positions = {{0, 0, 0}, {2, 0, 0}, {0, 0, 1}};
  mesh.triangles = {{0, 1, 2}};
  return mesh;
}

/// A binary glTF file of a JSON text and a binary chunk.
inline std::string glb_of(std::string json, std::string binary) {
  json.resize((json.size() + 3) / 4 * 4, ' ');
  binary.resize((binary.size() + 3) / 4 * 4, '\0');
  std::string bytes = "glTF";
  mesh_files::append_bytes(bytes, uint32_t{2});
  mesh_files::append_bytes(bytes, static_cast<uint32_t>(12 + 8 + json.size() + 8 + binary.size()));
  mesh_files::append_bytes(bytes, static_cast<uint32_t>(json.size()));
  bytes += "JSON" + json;
  mesh_files::append_bytes(bytes, static_cast<uint32_t>(binary.size()));
  return bytes + std::string("BIN\0", 4) + binary;
}

}  // namespace lucid::asset::test
