// SPDX-License-Identifier: Apache-2.0
// Writer of binary glTF 2.0 with tinygltf: one mesh of one primitive, every attribute in a buffer view of its own.
#include <tiny_gltf.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <sstream>

#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/asset/pictures/png_bytes.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace mesh_files {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are written as they are in memory");
constexpr const char* kUnlit = "KHR_materials_unlit";
constexpr size_t kMostGlbBytes = size_t{1} << 31;  // a GLB's lengths have 32 bits, and its JSON needs some

/// Appends bytes to the model's only buffer, 4-byte aligned. Returns the number of their view.
int add_view(tinygltf::Model& model, const void* bytes, size_t size, int target) {
  std::vector<unsigned char>& data = model.buffers.front().data;
  data.resize((data.size() + 3) / 4 * 4, 0);
  tinygltf::BufferView view;
  view.buffer = 0;
  view.byteOffset = data.size();
  view.byteLength = size;
  view.target = target;
  const auto* from = static_cast<const unsigned char*>(bytes);
  data.insert(data.end(), from, from + size);
  model.bufferViews.push_back(view);
  return static_cast<int>(model.bufferViews.size()) - 1;
}

/// An accessor of all elements of an array, in a view of its own.
template <class Element>
int add_accessor(tinygltf::Model& model, const std::vector<Element>& elements, int type, int component) {
  const bool indices = type == TINYGLTF_TYPE_SCALAR;
  tinygltf::Accessor accessor;
  accessor.bufferView = add_view(model, elements.data(), elements.size() * sizeof(Element),
                                 indices ? TINYGLTF_TARGET_ELEMENT_ARRAY_BUFFER : TINYGLTF_TARGET_ARRAY_BUFFER);
  accessor.componentType = component;
  accessor.type = type;
  accessor.count = elements.size();
  model.accessors.push_back(accessor);
  return static_cast<int>(model.accessors.size()) - 1;
}

int add_positions(tinygltf::Model& model, const mesh::TriangleMesh& mesh, double scale) {
  std::vector<std::array<float, 3>> positions;
  positions.reserve(mesh.positions.size());
  for (const mesh::Point& p : mesh.positions) {
    const mesh::Point q = scaled(gltf_from_lucid(p), scale);
    positions.push_back({q.x, q.y, q.z});
  }
  const int number = add_accessor(model, positions, TINYGLTF_TYPE_VEC3, TINYGLTF_COMPONENT_TYPE_FLOAT);
  // glTF wants the bounds of the stored floats, exactly.
  for (size_t axis = 0; axis < 3; ++axis) {
    const auto less = [axis](const auto& a, const auto& b) { return a[axis] < b[axis]; };
    const auto [low, high] = std::minmax_element(positions.begin(), positions.end(), less);
    model.accessors.back().minValues.push_back((*low)[axis]);
    model.accessors.back().maxValues.push_back((*high)[axis]);
  }
  return number;
}

int add_normals(tinygltf::Model& model, const mesh::TriangleMesh& mesh) {
  std::vector<std::array<float, 3>> normals;
  normals.reserve(mesh.normals.size());
  for (const mesh::Point& n : mesh.normals) {
    float length = 0;
    const mesh::Point unit = normalized(gltf_from_lucid(n), &length);
    normals.push_back({unit.x, unit.y, unit.z});
  }
  return add_accessor(model, normals, TINYGLTF_TYPE_VEC3, TINYGLTF_COMPONENT_TYPE_FLOAT);
}

/// 16-bit values: 8 bits of linear light would lose dark colours. Alpha fills the vertex to 8 bytes.
int add_colours(tinygltf::Model& model, const mesh::TriangleMesh& mesh) {
  std::array<uint16_t, 256> linear{};
  for (size_t i = 0; i < linear.size(); ++i) {
    linear[i] = static_cast<uint16_t>(std::lround(linear_from_srgb(static_cast<uint8_t>(i)) * 65535));
  }
  std::vector<std::array<uint16_t, 4>> colours;
  colours.reserve(mesh.colours.size());
  for (const mesh::Colour& c : mesh.colours) colours.push_back({linear[c[0]], linear[c[1]], linear[c[2]], 65535});
  const int number = add_accessor(model, colours, TINYGLTF_TYPE_VEC4, TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT);
  model.accessors.back().normalized = true;
  return number;
}

int add_indices(tinygltf::Model& model, const mesh::TriangleMesh& mesh) {
  const auto flat = [&]<class Index>(std::vector<Index> indices) {
    indices.reserve(mesh.triangles.size() * 3);
    for (const mesh::Triangle& t : mesh.triangles) {
      for (const uint32_t v : t) indices.push_back(static_cast<Index>(v));
    }
    return indices;
  };
  // 65535 itself is not allowed as a 16-bit index.
  if (mesh.positions.size() <= 65535) {
    return add_accessor(model, flat(std::vector<uint16_t>()), TINYGLTF_TYPE_SCALAR,
                        TINYGLTF_COMPONENT_TYPE_UNSIGNED_SHORT);
  }
  return add_accessor(model, flat(std::vector<uint32_t>()), TINYGLTF_TYPE_SCALAR, TINYGLTF_COMPONENT_TYPE_UNSIGNED_INT);
}

void add_texture(tinygltf::Model& model, const mesh::Texture& texture) {
  const std::string png = encode_png(texture.pixels.front().data(), texture.width, texture.height, 3);
  tinygltf::Image image;
  image.bufferView = add_view(model, png.data(), png.size(), 0);
  image.mimeType = "image/png";
  model.images.push_back(image);
  tinygltf::Sampler sampler;
  sampler.magFilter = TINYGLTF_TEXTURE_FILTER_LINEAR;
  sampler.minFilter = TINYGLTF_TEXTURE_FILTER_LINEAR_MIPMAP_LINEAR;
  sampler.wrapS = sampler.wrapT = TINYGLTF_TEXTURE_WRAP_CLAMP_TO_EDGE;
  model.samplers.push_back(sampler);
  tinygltf::Texture reference;
  reference.sampler = 0;
  reference.source = 0;
  model.textures.push_back(reference);
}

tinygltf::Material material_of(const mesh::TriangleMesh& mesh, bool unlit) {
  tinygltf::Material material;
  material.pbrMetallicRoughness.metallicFactor = 0;   // the default, 1, is black without a surrounding to reflect
  material.pbrMetallicRoughness.roughnessFactor = 1;  // the colours contain the light; no highlights on top
  if (mesh.texture.width > 0) material.pbrMetallicRoughness.baseColorTexture.index = 0;
  material.doubleSided = !mesh::topology(mesh).closed();
  if (unlit) material.extensions[kUnlit] = tinygltf::Value(tinygltf::Value::Object());
  return material;
}

tinygltf::Value extras_of(const std::string& title, double scale) {
  tinygltf::Value::Object extras;
  if (!title.empty()) extras["title"] = tinygltf::Value(title);
  extras["scale"] = tinygltf::Value(scale);
  return tinygltf::Value(std::move(extras));
}

tinygltf::Model model_of(const mesh::TriangleMesh& mesh, const MeshFileOptions& options) {
  const double scale = scale_to(mesh, options.size);
  const std::string title = one_line_title(options.title);
  tinygltf::Model model;
  model.asset.version = "2.0";
  model.asset.generator = "lucid";
  model.asset.extras = extras_of(title, scale);
  model.buffers.emplace_back();

  tinygltf::Primitive primitive;
  primitive.mode = TINYGLTF_MODE_TRIANGLES;
  primitive.material = 0;
  primitive.attributes["POSITION"] = add_positions(model, mesh, scale);
  if (!mesh.normals.empty()) primitive.attributes["NORMAL"] = add_normals(model, mesh);
  const bool textured = mesh.texture.width > 0;
  if (textured) {
    std::vector<std::array<float, 2>> uvs;
    for (const Vec2<float>& uv : mesh.uvs) uvs.push_back({uv.x, uv.y});
    primitive.attributes["TEXCOORD_0"] = add_accessor(model, uvs, TINYGLTF_TYPE_VEC2, TINYGLTF_COMPONENT_TYPE_FLOAT);
  } else if (!mesh.colours.empty()) {
    primitive.attributes["COLOR_0"] = add_colours(model, mesh);
  }
  primitive.indices = add_indices(model, mesh);
  if (textured) add_texture(model, mesh.texture);

  const bool unlit = !options.lit && (textured || !mesh.colours.empty());
  model.materials.push_back(material_of(mesh, unlit));
  if (unlit) model.extensionsUsed.push_back(kUnlit);
  model.meshes.emplace_back();
  model.meshes.back().primitives.push_back(primitive);
  model.nodes.emplace_back();
  model.nodes.back().mesh = 0;
  model.nodes.back().name = title.empty() ? "mesh" : title;
  model.scenes.emplace_back();
  model.scenes.back().nodes = {0};
  model.defaultScene = 0;
  return model;
}

}  // namespace
}  // namespace mesh_files

std::string glb_bytes(const std::filesystem::path& file, const mesh::TriangleMesh& mesh,
                      const MeshFileOptions& options) {
  mesh_files::check_mesh(mesh);
  const tinygltf::Model model = mesh_files::model_of(mesh, options);
  if (model.buffers.front().data.size() > mesh_files::kMostGlbBytes) {
    throw UserError({.what_happened = "the mesh is too large for a .glb file", .file = file.string()});
  }
  std::ostringstream bytes;
  const bool written = tinygltf::TinyGLTF().WriteGltfSceneToStream(&model, bytes, /*prettyPrint=*/false,
                                                                   /*writeBinary=*/true);
  LUCID_CHECK(written && bytes.good(), "{}", file.string());
  return std::move(bytes).str();
}

void write_glb(const std::filesystem::path& file, const mesh::TriangleMesh& mesh, const MeshFileOptions& options) {
  write_file(file, glb_bytes(file, mesh, options));
}

}  // namespace lucid::asset
