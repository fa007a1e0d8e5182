// SPDX-License-Identifier: Apache-2.0
// A textured triangle mesh in our world: z up, front +y, bounding box centred, bounding sphere of radius 1.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "lucid/corpus/archive.h"
#include "lucid/corpus/catalogue.h"
#include "lucid/math/vec.h"

namespace lucid::corpus {

using Float3 = Vec3<float>;
using Float2 = Vec2<float>;

/// RGBA, 8 bits, each level half the one before (a box filter), the last 1 x 1. Row 0 is the picture's top.
struct Texture {
  struct Level {
    int width = 0, height = 0;
    std::vector<uint8_t> rgba;
  };
  std::vector<Level> levels;
  bool cut_out = false;  // its alpha leaves holes: leaves on a plane
};
Texture make_texture(int width, int height, std::vector<uint8_t> rgba);

struct Material {
  std::string name;
  Float3 colour{0.8f, 0.8f, 0.8f};         // where there is no texture
  float opacity = 1;                       // below kInvisible nothing is drawn
  std::shared_ptr<const Texture> texture;  // repeats; takes the place of `colour`
};
inline constexpr float kInvisible = 0.1f;

struct Triangle {
  std::array<int32_t, 3> position{}, normal{};  // indices
  std::array<Float2, 3> uv{};                   // v = 0 at the picture's bottom, as in OBJ files
  int32_t material = 0;
};

struct Mesh {
  std::vector<Float3> positions, normals;  // normals unit
  std::vector<Triangle> triangles;         // none degenerate, none of an invisible material
  std::vector<Material> materials;
};

/// Reads an OBJ with its MTL and textures. `yaw` (degrees) turns the object to the left as its viewer sees it
/// (counter-clockwise from above) after the catalogue's own rotation. A missing texture falls back to the material's
/// colour; missing normals are computed within smoothing groups. Throws UserError: unreadable OBJ, no triangles.
Mesh read_mesh(const Archive& archive, const CatalogueEntry& entry, double yaw);

/// Reads the shape of an OBJ of its own: its faces in one grey, whatever materials it names. y up, front +z, as such
/// files mostly have it. Throws UserError: no file, unreadable, no triangles.
Mesh read_shape(const std::filesystem::path& file);

/// Centre the bounding box, scale the bounding sphere about it to radius 1. False where there is no extent.
bool normalise(Mesh& mesh);

}  // namespace lucid::corpus
