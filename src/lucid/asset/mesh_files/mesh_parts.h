// SPDX-License-Identifier: Apache-2.0
// Parts of a mesh file that differ in their materials, and how they become one mesh.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/mesh/triangle_mesh.h"

namespace lucid::asset::mesh_files {

/// At most so many vertices, and so many triangles, are read: a small glTF file can repeat a mesh without end.
constexpr size_t kMostElements = size_t{1} << 24;

struct MeshPart {
  std::vector<mesh::Point> positions;            // [V]
  std::vector<mesh::Triangle> triangles;         // [F]
  std::vector<Vec2<float>> uvs;                  // [V] or empty
  std::vector<mesh::Colour> colours;             // [V] or empty
  std::shared_ptr<const mesh::Texture> texture;  // of the uvs; null means none
  mesh::Colour base{255, 255, 255};              // multiplies the texture and the colours
};

/// One mesh of all parts. The texture is kept if all parts have the same one and show it once, unchanged. Otherwise
/// each vertex gets the product of its texture, colour and base, unless all of them are white.
/// Throws UserError: no triangles, an index beyond the vertices, positions that are not finite, too many elements.
mesh::TriangleMesh join(const std::filesystem::path& file, std::vector<MeshPart> parts);

/// The textures of a file, each decoded once.
class TextureStore {
 public:
  /// The texture of that name. `bytes` gives its PNG or JPEG, and is called when the name is new. Null for other bytes,
  /// for more than 8192 pixels a side, and if all textures together would have more than 2^27 pixels.
  std::shared_ptr<const mesh::Texture> get(const std::string& name, const std::function<std::string_view()>& bytes);

 private:
  std::map<std::string, std::shared_ptr<const mesh::Texture>> textures_;
  size_t pixels_ = 0;
};

}  // namespace lucid::asset::mesh_files
