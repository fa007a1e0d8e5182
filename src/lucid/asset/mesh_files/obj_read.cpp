// SPDX-License-Identifier: Apache-2.0
// Reader of OBJ files with tinyobjloader.
#include <tiny_obj_loader.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <sstream>
#include <unordered_map>

#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

namespace fs = std::filesystem;

/// The bytes of a file that an OBJ or MTL names, if it lies in the OBJ's folder or below; else "" and a warning.
std::string read_beside(const fs::path& file, std::string name, std::vector<std::string>& warnings) {
  std::erase_if(name, [](char c) { return c == '"' || c == '\r'; });
  std::replace(name.begin(), name.end(), '\\', '/');
  const fs::path relative(name);
  const auto leave_out = [&](const char* why) {
    warnings.push_back(fmt::format("'{}' {}, so it is left out", name.substr(0, 80), why));
    return "";
  };
  if (name.empty()) return "";
  if (relative.is_absolute() || std::find(relative.begin(), relative.end(), "..") != relative.end()) {
    return leave_out("lies outside the mesh's folder");
  }
  const fs::path path = file.parent_path() / relative;
  std::error_code error;
  return fs::is_regular_file(path, error) ? read_file(path) : leave_out("is not there");
}

class MaterialsBeside : public tinyobj::MaterialReader {
 public:
  MaterialsBeside(const fs::path& file, std::vector<std::string>& warnings) : file_(file), warnings_(warnings) {}
  bool operator()(const std::string& name, std::vector<tinyobj::material_t>* materials,
                  std::map<std::string, int>* numbers, std::string* warning, std::string* error) override {
    const std::string bytes = read_beside(file_, name, warnings_);
    if (bytes.empty()) return false;
    std::istringstream in(bytes);
    tinyobj::LoadMtl(numbers, materials, &in, warning, error);
    return true;
  }

 private:
  const fs::path& file_;
  std::vector<std::string>& warnings_;
};

/// Refuses positions with words in place of numbers ("nan"), which tinyobjloader would read as 0.
void check_positions(const fs::path& file, std::string_view text) {
  int number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    if (!line.starts_with("v ") && !line.starts_with("v\t")) continue;
    const auto is_word = [](char c) {
      return std::isalpha(static_cast<unsigned char>(c)) != 0 && c != 'e' && c != 'E';
    };
    if (std::any_of(line.begin() + 2, line.end(), is_word))
      throw UserError({.what_happened = "has a position that is no number", .file = file.string(), .line = number});
  }
}

/// An empty part with a material's texture or else its colour.
MeshPart part_of_material(const fs::path& file, const tinyobj::material_t& material, TextureStore& textures,
                          std::vector<std::string>& warnings) {
  MeshPart part;
  std::string bytes;
  if (!material.diffuse_texname.empty()) {
    part.texture = textures.get(material.diffuse_texname, [&]() -> std::string_view {
      return bytes = read_beside(file, material.diffuse_texname, warnings);
    });
    if (part.texture == nullptr && !bytes.empty()) {
      warnings.push_back(fmt::format("'{}' is no PNG or JPEG of at most 8192 x 8192 pixels, so it is left out",
                                     material.diffuse_texname.substr(0, 80)));
    }
  }
  if (part.texture != nullptr) return part;  // Kd is ignored beside a texture, as most programs do
  for (size_t c = 0; c < 3; ++c) {
    const double value = material.diffuse[c];
    part.base[c] = static_cast<uint8_t>(value > 0 ? std::min(value, 1.0) * 255 + 0.5 : 0);
  }
  return part;
}

/// Fills the parts with a shape's faces. Each pair of position and texture coordinate becomes one vertex of a part.
class FaceSorter {
 public:
  FaceSorter(const fs::path& file, const tinyobj::attrib_t& attributes, std::vector<MeshPart>& parts)
      : file_(file), attributes_(attributes), parts_(parts), vertices_(parts.size()) {}

  /// `part`: the number of the material, or the last part for none.
  void add_face(const tinyobj::index_t* corners, size_t part) {
    mesh::Triangle triangle{};
    for (size_t k = 0; k < 3; ++k) triangle[k] = vertex(corners[k], part);
    parts_[part].triangles.push_back(triangle);
  }

 private:
  uint32_t vertex(const tinyobj::index_t& corner, size_t number) {
    const auto positions = static_cast<int64_t>(attributes_.vertices.size() / 3);
    const auto uvs = static_cast<int64_t>(attributes_.texcoords.size() / 2);
    if (corner.vertex_index < 0 || corner.vertex_index >= positions) {
      throw UserError({.what_happened = fmt::format("has a face with vertex {}, but only {} vertices",
                                                    int64_t{corner.vertex_index} + 1, positions),
                       .file = file_.string()});
    }
    MeshPart& part = parts_[number];
    const bool has_uv = part.texture != nullptr && corner.texcoord_index >= 0 && corner.texcoord_index < uvs;
    const auto p = static_cast<size_t>(corner.vertex_index), t = static_cast<size_t>(corner.texcoord_index);
    const uint64_t key = (uint64_t{p} << 32) | (has_uv ? t + 1 : 0);
    const auto [at, is_new] = vertices_[number].emplace(key, static_cast<uint32_t>(part.positions.size()));
    if (!is_new) return at->second;
    const float* position = attributes_.vertices.data() + 3 * p;
    part.positions.push_back({position[0], position[1], position[2]});
    if (part.texture != nullptr) {
      const float* uv = attributes_.texcoords.data() + 2 * t;
      part.uvs.push_back(has_uv ? Vec2<float>{uv[0], 1 - uv[1]} : Vec2<float>{});  // v goes up in OBJ
    } else if (attributes_.colors.size() == attributes_.vertices.size()) {
      const float* colour = attributes_.colors.data() + 3 * p;
      const auto byte = [](float x) { return static_cast<uint8_t>(x > 0 ? std::min(x, 1.0F) * 255 + 0.5F : 0); };
      part.colours.push_back({byte(colour[0]), byte(colour[1]), byte(colour[2])});
    }
    return at->second;
  }

  const fs::path& file_;
  const tinyobj::attrib_t& attributes_;
  std::vector<MeshPart>& parts_;
  std::vector<std::unordered_map<uint64_t, uint32_t>> vertices_;  // of each part, by position and texture coordinate
};

}  // namespace

mesh::TriangleMesh read_obj(const fs::path& file, std::string_view bytes) {
  std::vector<std::string> unused;
  return read_obj(file, bytes, unused);
}

mesh::TriangleMesh read_obj(const fs::path& file, std::string_view bytes, std::vector<std::string>& warnings) {
  check_positions(file, bytes);
  tinyobj::attrib_t attributes;
  std::vector<tinyobj::shape_t> shapes;
  std::vector<tinyobj::material_t> materials;
  std::string warning, error;
  std::istringstream in{std::string(bytes)};
  MaterialsBeside reader(file, warnings);
  if (!tinyobj::LoadObj(&attributes, &shapes, &materials, &warning, &error, &in, &reader, /*triangulate=*/true,
                        /*default_vcols_fallback=*/false)) {
    throw UserError({.what_happened = "is not a readable OBJ file: " + error.substr(0, 200), .file = file.string()});
  }
  std::vector<MeshPart> parts;
  TextureStore textures;
  for (const tinyobj::material_t& material : materials)
    parts.push_back(part_of_material(file, material, textures, warnings));
  parts.emplace_back();  // of the faces without a material
  FaceSorter sorter(file, attributes, parts);
  for (const tinyobj::shape_t& shape : shapes) {
    for (size_t face = 0; face < shape.mesh.indices.size() / 3; ++face) {
      const int64_t material = face < shape.mesh.material_ids.size() ? shape.mesh.material_ids[face] : -1;
      const bool known = material >= 0 && material < static_cast<int64_t>(materials.size());
      sorter.add_face(shape.mesh.indices.data() + 3 * face, known ? static_cast<size_t>(material) : parts.size() - 1);
    }
  }
  return join(file, std::move(parts));
}

}  // namespace lucid::asset::mesh_files
