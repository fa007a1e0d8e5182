// SPDX-License-Identifier: Apache-2.0
// Reads OBJ, MTL and textures with tinyobjloader and stb_image, from an archive or a file.
#include "lucid/corpus/mesh.h"

#include <stb/stb_image.h>
#include <tiny_obj_loader.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numbers>
#include <sstream>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/corpus/normals.h"

namespace lucid::corpus {
namespace {

constexpr int kLargestTexture = 8192;  // pixels per side; larger ones are not read
constexpr int kUsefulTexture = 512;    // pixels per side; finer mip levels are dropped

std::string folder_of(const std::string& entry) {
  const size_t slash = entry.rfind('/');
  return slash == std::string::npos ? "" : entry.substr(0, slash + 1);
}

/// The archive entry for a file name in an OBJ or MTL of `folder`; "" if there is none. Handles the backslashes and
/// quotes that some exporters write.
std::string entry_of(const Archive& archive, const std::string& folder, std::string name) {
  std::erase_if(name, [](char c) { return c == '"' || c == '\r'; });
  std::ranges::replace(name, '\\', '/');
  while (!name.empty() && name.back() == ' ') name.pop_back();
  if (archive.has(folder + name)) return folder + name;
  const std::string base = name.substr(name.rfind('/') + 1);
  return !base.empty() && archive.has(folder + base) ? folder + base : "";
}

/// Decodes an image; null if it cannot be read (the material's colour is used then).
std::shared_ptr<const Texture> read_texture(const std::string& bytes) {
  const auto* data = reinterpret_cast<const stbi_uc*>(bytes.data());
  const int size = static_cast<int>(bytes.size());
  int width = 0, height = 0, channels = 0;
  if (!stbi_info_from_memory(data, size, &width, &height, &channels) || width > kLargestTexture ||
      height > kLargestTexture) {
    return nullptr;
  }
  const std::unique_ptr<stbi_uc, decltype(&stbi_image_free)> pixels(
      stbi_load_from_memory(data, size, &width, &height, &channels, 4), stbi_image_free);
  if (pixels == nullptr) return nullptr;
  Texture texture = make_texture(width, height, {pixels.get(), pixels.get() + size_t{4} * width * height});
  size_t skip = 0;  // levels finer than kUsefulTexture
  while (std::max(texture.levels[skip].width, texture.levels[skip].height) > kUsefulTexture) ++skip;
  texture.levels.erase(texture.levels.begin(), texture.levels.begin() + static_cast<std::ptrdiff_t>(skip));
  return std::make_shared<const Texture>(std::move(texture));
}

/// Gives tinyobjloader the MTL files of the archive. A missing one leaves the materials grey.
class ArchiveMaterials : public tinyobj::MaterialReader {
 public:
  ArchiveMaterials(const Archive& archive, std::string folder) : archive_(archive), folder_(std::move(folder)) {}
  bool operator()(const std::string& name, std::vector<tinyobj::material_t>* materials,
                  std::map<std::string, int>* numbers, std::string* warning, std::string* error) override {
    const std::string entry = entry_of(archive_, folder_, name);
    if (entry.empty()) return false;
    std::istringstream in(archive_.read(entry));
    tinyobj::LoadMtl(numbers, materials, &in, warning, error);
    return true;
  }

 private:
  const Archive& archive_;
  std::string folder_;
};

std::vector<Material> read_materials(const Archive& archive, const std::string& folder,
                                     const std::vector<tinyobj::material_t>& stored) {
  std::map<std::string, std::shared_ptr<const Texture>> textures;
  std::vector<Material> materials;
  for (const tinyobj::material_t& from : stored) {
    Material material;
    material.name = from.name;
    if (std::isfinite(from.dissolve)) material.opacity = from.dissolve;
    const auto channel = [&](int c) {
      return std::isfinite(from.diffuse[c]) ? std::clamp(from.diffuse[c], 0.0f, 1.0f) : 0.5f;
    };
    material.colour = {channel(0), channel(1), channel(2)};
    if (!from.diffuse_texname.empty()) {
      const std::string entry = entry_of(archive, folder, from.diffuse_texname);
      if (!entry.empty() && !textures.contains(entry)) textures[entry] = read_texture(archive.read(entry));
      if (!entry.empty()) material.texture = textures[entry];
    }
    materials.push_back(std::move(material));
  }
  materials.emplace_back();  // for faces without a material
  return materials;
}

/// Applies the rotation, then y up -> z up and front +z -> front +y (x is negated, so handedness is kept), then the
/// yaw.
Float3 world_from_file(const std::array<double, 9>& rotation, double yaw, const float* p) {
  double r[3];
  for (int i = 0; i < 3; ++i) r[i] = rotation[3 * i] * p[0] + rotation[3 * i + 1] * p[1] + rotation[3 * i + 2] * p[2];
  const double angle = yaw * std::numbers::pi / 180, c = std::cos(angle), s = std::sin(angle);
  const double x = -r[0], y = r[2];
  return {static_cast<float>(c * x - s * y), static_cast<float>(s * x + c * y), static_cast<float>(r[1])};
}

void add_triangles(const tinyobj::attrib_t& attributes, const tinyobj::shape_t& shape, int none, Mesh& mesh,
                   std::vector<unsigned>& groups) {
  const auto positions = static_cast<int64_t>(attributes.vertices.size() / 3);
  const auto normals = static_cast<int64_t>(attributes.normals.size() / 3);
  const auto uvs = static_cast<int64_t>(attributes.texcoords.size() / 2);
  for (size_t face = 0; face + 1 <= shape.mesh.indices.size() / 3; ++face) {
    Triangle triangle;
    const int material = face < shape.mesh.material_ids.size() ? shape.mesh.material_ids[face] : -1;
    triangle.material = material < 0 || material > none ? none : material;
    if (mesh.materials[static_cast<size_t>(triangle.material)].opacity < kInvisible) continue;
    bool good = true;
    for (size_t corner = 0; corner < 3; ++corner) {
      const tinyobj::index_t& index = shape.mesh.indices[3 * face + corner];
      good = good && index.vertex_index >= 0 && index.vertex_index < positions;
      triangle.position[corner] = index.vertex_index;
      triangle.normal[corner] = index.normal_index >= 0 && index.normal_index < normals ? index.normal_index : -1;
      if (index.texcoord_index >= 0 && index.texcoord_index < uvs) {
        const float* uv = attributes.texcoords.data() + 2 * index.texcoord_index;
        if (std::isfinite(uv[0]) && std::isfinite(uv[1])) triangle.uv[corner] = {uv[0], uv[1]};
      }
    }
    if (!good) continue;
    const auto p = [&](size_t corner) { return mesh.positions[static_cast<size_t>(triangle.position[corner])]; };
    const Float3 across = cross(p(1) - p(0), p(2) - p(0));
    if (!(dot(across, across) > 0) || !std::isfinite(dot(across, across))) continue;
    mesh.triangles.push_back(triangle);
    groups.push_back(face < shape.mesh.smoothing_group_ids.size() ? shape.mesh.smoothing_group_ids[face] : 0);
  }
}

}  // namespace

bool normalise(Mesh& mesh) {
  constexpr float kMost = std::numeric_limits<float>::max();
  Float3 low{kMost, kMost, kMost}, high{-kMost, -kMost, -kMost};
  for (const Triangle& triangle : mesh.triangles) {
    for (const int32_t index : triangle.position) {
      const Float3& p = mesh.positions[static_cast<size_t>(index)];
      low = {std::min(low.x, p.x), std::min(low.y, p.y), std::min(low.z, p.z)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y), std::max(high.z, p.z)};
    }
  }
  const Float3 centre = 0.5f * (low + high);
  float reach = 0;
  for (const Triangle& triangle : mesh.triangles) {
    for (const int32_t index : triangle.position) {
      const Float3 p = mesh.positions[static_cast<size_t>(index)] - centre;
      reach = std::max(reach, dot(p, p));
    }
  }
  if (!(reach > 0) || !std::isfinite(reach)) return false;
  const float scale = 1 / std::sqrt(reach);
  for (Float3& p : mesh.positions) p = scale * (p - centre);
  return true;
}

namespace {

using Fail = std::function<UserError(const std::string& what)>;

struct Obj {
  tinyobj::attrib_t attributes;
  std::vector<tinyobj::shape_t> shapes;
  std::vector<tinyobj::material_t> materials;
};

Obj parse_obj(std::istream& in, tinyobj::MaterialReader* reader, const Fail& fail) {
  Obj obj;
  std::string warning, error;
  if (!tinyobj::LoadObj(&obj.attributes, &obj.shapes, &obj.materials, &warning, &error, &in, reader, true, false)) {
    throw fail(fmt::format("is not an OBJ file: {}", error.substr(0, 200)));
  }
  return obj;
}

/// Builds the normalised mesh of a parsed OBJ. `materials`: the OBJ's, then one for faces without a material.
Mesh mesh_of(const Obj& obj, std::vector<Material> materials, const std::array<double, 9>& rotation, double yaw,
             const Fail& fail) {
  Mesh mesh;
  mesh.materials = std::move(materials);
  const tinyobj::attrib_t& attributes = obj.attributes;
  for (size_t i = 0; i + 3 <= attributes.vertices.size(); i += 3) {
    mesh.positions.push_back(world_from_file(rotation, yaw, attributes.vertices.data() + i));
  }
  std::vector<unsigned> groups;  // smoothing group of each triangle
  for (const tinyobj::shape_t& shape : obj.shapes) {
    add_triangles(attributes, shape, static_cast<int>(obj.materials.size()), mesh, groups);
  }
  if (mesh.triangles.empty() || !normalise(mesh)) throw fail("holds no triangles that can be seen");
  for (size_t i = 0; i + 3 <= attributes.normals.size(); i += 3) {
    const Float3 n = world_from_file(rotation, yaw, attributes.normals.data() + i);
    const float length = std::sqrt(dot(n, n));
    mesh.normals.push_back(length > 0 && std::isfinite(length) ? (1 / length) * n : Float3{});
  }
  fill_missing_normals(mesh, groups);
  return mesh;
}

}  // namespace

Mesh read_mesh(const Archive& archive, const CatalogueEntry& entry, double yaw) {
  const Fail fail = [&](const std::string& what) {
    return UserError(
        {.what_happened = what, .file = archive.file().string(), .key = entry.model, .hint = "drop the model"});
  };
  const std::string folder = folder_of(entry.model);
  std::istringstream in(archive.read(entry.model));
  ArchiveMaterials reader(archive, folder);
  const Obj obj = parse_obj(in, &reader, fail);
  return mesh_of(obj, read_materials(archive, folder, obj.materials), entry.rotation, yaw, fail);
}

Mesh read_shape(const std::filesystem::path& file) {
  const Fail fail = [&](const std::string& what) {
    return UserError({.what_happened = what, .file = file.string(), .hint = "a Wavefront OBJ with faces is wanted"});
  };
  std::istringstream in(read_file(file));
  constexpr std::array<double, 9> kAsItIs{1, 0, 0, 0, 1, 0, 0, 0, 1};
  return mesh_of(parse_obj(in, nullptr, fail), std::vector<Material>(1), kAsItIs, 0, fail);
}

}  // namespace lucid::corpus
