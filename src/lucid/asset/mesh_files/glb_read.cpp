// SPDX-License-Identifier: Apache-2.0
// Reader of binary glTF: the triangles, colours and textures of all primitives that the scene shows.
#include <algorithm>
#include <array>

#include "lucid/asset/mesh_files/glb_document.h"
#include "lucid/asset/mesh_files/glb_scene.h"
#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

using json = nlohmann::json;

constexpr int64_t kTriangles = 4, kStrip = 5, kFan = 6;  // values of "mode"

class PartReader {
 public:
  PartReader(const GlbDocument& document, std::vector<std::string>& warnings)
      : document_(document), warnings_(warnings) {}

  std::vector<MeshPart> read() {
    std::vector<GlbInstance> instances = instances_of(document_);
    std::erase_if(instances, [this](const GlbInstance& instance) {
      const int64_t mode = mode_of(*instance.primitive);
      return mode != kTriangles && mode != kStrip && mode != kFan;  // points and lines
    });
    check_size(instances);
    for (const auto& [primitive, world_from_mesh] : instances) add_primitive(*primitive, world_from_mesh);
    return std::move(parts_);
  }

 private:
  int64_t mode_of(const json& primitive) const { return document_.whole(primitive, "mode", kTriangles); }

  const json& attributes_of(const json& primitive) const {
    const json* attributes = GlbDocument::member(primitive, "attributes");
    if (attributes == nullptr || !attributes->contains("POSITION")) document_.fail("lacks POSITION", "attributes");
    return *attributes;
  }

  GlbArray positions_of(const json& primitive) const {
    return document_.array(document_.whole(attributes_of(primitive), "POSITION", 0), 3, 3);
  }

  /// Before memory is allocated, because a small file can show the same arrays again and again.
  void check_size(const std::vector<GlbInstance>& instances) const {
    size_t vertices = 0, indices = 0;
    for (const auto& [primitive, world_from_mesh] : instances) {
      vertices += positions_of(*primitive).size();
      if (GlbDocument::member(*primitive, "indices") != nullptr) indices += indices_of(*primitive).size();
      if (vertices > kMostElements || indices > 3 * kMostElements) {
        document_.fail(fmt::format("has more than {} vertices or triangles", kMostElements));
      }
    }
  }

  void add_primitive(const json& primitive, const Affine& world_from_mesh) {
    const int64_t mode = mode_of(primitive);
    MeshPart part;
    const GlbArray positions = positions_of(primitive);
    part.positions.reserve(positions.size());
    for (size_t i = 0; i < positions.size(); ++i) {
      part.positions.push_back(world_from_mesh(positions.number(i, 0), positions.number(i, 1), positions.number(i, 2)));
    }
    std::vector<uint32_t> order = corners(primitive, positions.size());
    for (size_t i = 0; i + 2 < order.size(); i += mode == kTriangles ? 3 : 1) {
      mesh::Triangle t = {order[mode == kFan ? 0 : i], order[i + 1], order[i + 2]};
      // Every second triangle of a strip is turned; a mirroring transform turns all.
      if ((mode == kStrip && i % 2 == 1) != world_from_mesh.mirrors()) std::swap(t[1], t[2]);
      part.triangles.push_back(t);
    }
    add_colours_to(part, attributes_of(primitive));
    add_material_to(part, primitive, attributes_of(primitive));
    parts_.push_back(std::move(part));
  }

  GlbArray indices_of(const json& primitive) const {
    return document_.indices(document_.whole(primitive, "indices", 0));
  }

  std::vector<uint32_t> corners(const json& primitive, size_t vertices) const {
    std::vector<uint32_t> order;
    if (GlbDocument::member(primitive, "indices") == nullptr) {
      for (uint32_t v = 0; v < vertices; ++v) order.push_back(v);
      return order;
    }
    const GlbArray indices = indices_of(primitive);
    order.reserve(indices.size());
    for (size_t i = 0; i < indices.size(); ++i) order.push_back(indices.index(i));
    return order;
  }

  void add_colours_to(MeshPart& part, const json& attributes) {
    if (!attributes.contains("COLOR_0")) return;
    const GlbArray colours = document_.array(document_.whole(attributes, "COLOR_0", 0), 3, 4);
    require_length(part, colours, "COLOR_0");
    for (size_t i = 0; i < colours.size(); ++i) {
      const auto byte = [&](int c) { return srgb_from_linear(static_cast<float>(colours.number(i, c))); };
      part.colours.push_back({byte(0), byte(1), byte(2)});
    }
  }

  void add_material_to(MeshPart& part, const json& primitive, const json& attributes) {
    if (GlbDocument::member(primitive, "material") == nullptr) return;
    const json& material = document_.element("materials", document_.whole(primitive, "material", 0));
    const json* pbr = GlbDocument::member(material, "pbrMetallicRoughness");
    if (pbr == nullptr) return;
    std::array<double, 4> factor{1, 1, 1, 1};
    document_.numbers(*pbr, "baseColorFactor", 4, factor.data());
    for (size_t c = 0; c < 3; ++c) part.base[c] = srgb_from_linear(static_cast<float>(factor[c]));
    const json* reference = GlbDocument::member(*pbr, "baseColorTexture");
    if (reference == nullptr) return;
    const std::string name = fmt::format("TEXCOORD_{}", document_.whole(*reference, "texCoord", 0));
    if (!attributes.contains(name)) return;
    const GlbArray uvs = document_.array(document_.whole(attributes, name.c_str(), 0), 2, 2);
    require_length(part, uvs, name);
    const int64_t number = document_.whole(*reference, "index", 0);
    part.texture = texture(number);
    if (part.texture == nullptr) {
      const std::string warning =
          fmt::format("texture {} is no PNG or JPEG inside the file, so it is left out", number);
      if (std::find(warnings_.begin(), warnings_.end(), warning) == warnings_.end()) warnings_.push_back(warning);
      return;
    }
    for (size_t i = 0; i < uvs.size(); ++i) {
      part.uvs.push_back({static_cast<float>(uvs.number(i, 0)), static_cast<float>(uvs.number(i, 1))});
    }
  }

  /// Null if the picture is outside the file or of another kind than PNG and JPEG: the base colour alone is used then.
  std::shared_ptr<const mesh::Texture> texture(int64_t number) {
    const json& about = document_.element("textures", number);
    if (GlbDocument::member(about, "source") == nullptr) return nullptr;
    const json& image = document_.element("images", document_.whole(about, "source", 0));
    if (GlbDocument::member(image, "bufferView") == nullptr) return nullptr;
    const int64_t view = document_.whole(image, "bufferView", 0);
    return textures_.get(std::to_string(view), [&] { return document_.view(view); });
  }

  void require_length(const MeshPart& part, const GlbArray& array, const std::string& name) const {
    if (array.size() != part.positions.size()) {
      document_.fail(fmt::format("has {} elements for {} vertices", array.size(), part.positions.size()), name);
    }
  }

  const GlbDocument& document_;
  std::vector<std::string>& warnings_;
  std::vector<MeshPart> parts_;
  TextureStore textures_;  // by buffer view
};

}  // namespace

mesh::TriangleMesh read_glb(const std::filesystem::path& file, std::string_view bytes) {
  std::vector<std::string> unused;
  return read_glb(file, bytes, unused);
}

mesh::TriangleMesh read_glb(const std::filesystem::path& file, std::string_view bytes,
                            std::vector<std::string>& warnings) {
  const GlbDocument document(file, bytes);
  return join(file, PartReader(document, warnings).read());
}

}  // namespace lucid::asset::mesh_files
