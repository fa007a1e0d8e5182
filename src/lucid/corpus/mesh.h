// SPDX-License-Identifier: Apache-2.0
// Textured triangle mesh in world coordinates (z up, front +y), centred and scaled to a bounding sphere of radius 1,
// and its OBJ readers.
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

/// Mip-mapped RGBA texture, 8 bits: each level halves the one before (box filter), down to 1 x 1. Row 0 is the top.
struct Texture {
  struct Level {
    int width = 0, height = 0;
    std::vector<uint8_t> rgba;
  };
  std::vector<Level> levels;
  bool cut_out = false;  // alpha-tested: pixels of low alpha are holes, as in leaves painted on a plane
};
Texture make_texture(int width, int height, std::vector<uint8_t> rgba);

struct Material {
  std::string name;
  Float3 colour{0.8f, 0.8f, 0.8f};         // used if there is no texture
  float opacity = 1;                       // below kInvisible the material is not drawn
  std::shared_ptr<const Texture> texture;  // repeating; replaces `colour`
};
inline constexpr float kInvisible = 0.1f;

struct Triangle {
  std::array<int32_t, 3> position{}, normal{};  // indices into the mesh's lists
  std::array<Float2, 3> uv{};                   // v = 0 at the texture's bottom, as in OBJ files
  int32_t material = 0;
};

struct Mesh {
  std::vector<Float3> positions, normals;  // unit normals
  std::vector<Triangle> triangles;         // without degenerate and invisible ones
  std::vector<Material> materials;
};

/// Reads an OBJ with its MTL and textures. `yaw` (degrees) rotates the object about the z axis, counter-clockwise seen
/// from above, after the catalogue's rotation. A missing texture is replaced by the material's colour; missing normals
/// are computed per smoothing group. Throws UserError: unreadable OBJ, no visible triangles.
Mesh read_mesh(const Archive& archive, const CatalogueEntry& entry, double yaw);

/// Reads the geometry of a stand-alone OBJ file; all faces are grey, materials are ignored. The file has y up and front
/// +z, as most such files. Throws UserError: missing or unreadable file, no triangles.
Mesh read_shape(const std::filesystem::path& file);

/// Centres the mesh at its bounding box and scales its bounding sphere to radius 1. False if the mesh has no extent.
bool normalise(Mesh& mesh);

}  // namespace lucid::corpus
