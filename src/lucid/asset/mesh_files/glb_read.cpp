// SPDX-License-Identifier: Apache-2.0
// Reader of binary glTF: walks the scene's nodes and collects the triangles of their meshes.
#include <array>
#include <set>

#include "lucid/asset/mesh_files/glb_document.h"
#include "lucid/asset/mesh_files/mesh_parts.h"
#include "lucid/asset/mesh_files/mesh_readers.h"
#include "lucid/asset/mesh_files/vertex_colours.h"
#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

using json = nlohmann::json;

/// A point p becomes linear * p + offset. The matrix is stored by rows.
struct Affine {
  std::array<double, 9> linear{1, 0, 0, 0, 1, 0, 0, 0, 1};
  std::array<double, 3> offset{};

  mesh::Point operator()(double x, double y, double z) const {
    const auto row = [&](size_t i) {
      return static_cast<float>(linear[3 * i] * x + linear[3 * i + 1] * y + linear[3 * i + 2] * z + offset[i]);
    };
    return {row(0), row(1), row(2)};
  }
  bool mirrors() const {
    const auto& m = linear;
    return m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
               m[2] * (m[3] * m[7] - m[4] * m[6]) <
           0;
  }
};

/// `a` after `b`.
Affine operator*(const Affine& a, const Affine& b) {
  Affine c;
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      c.linear[3 * i + j] =
          a.linear[3 * i] * b.linear[j] + a.linear[3 * i + 1] * b.linear[3 + j] + a.linear[3 * i + 2] * b.linear[6 + j];
    }
    c.offset[i] = a.linear[3 * i] * b.offset[0] + a.linear[3 * i + 1] * b.offset[1] +
                  a.linear[3 * i + 2] * b.offset[2] + a.offset[i];
  }
  return c;
}

/// A node's own transform, from its matrix or from translation, rotation and scale.
Affine parent_from_node(const GlbDocument& document, const json& node) {
  Affine t;
  std::array<double, 16> matrix{};  // by columns
  if (document.numbers(node, "matrix", matrix.size(), matrix.data())) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t j = 0; j < 3; ++j) t.linear[3 * i + j] = matrix[4 * j + i];
      t.offset[i] = matrix[12 + i];
    }
    return t;
  }
  std::array<double, 4> q{0, 0, 0, 1};  // x, y, z, w
  std::array<double, 3> scale{1, 1, 1};
  document.numbers(node, "translation", 3, t.offset.data());
  document.numbers(node, "rotation", 4, q.data());
  document.numbers(node, "scale", 3, scale.data());
  const auto [x, y, z, w] = q;
  t.linear = {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
              2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
              2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
  for (size_t i = 0; i < 9; ++i) t.linear[i] *= scale[i % 3];
  return t;
}

class SceneReader {
 public:
  explicit SceneReader(const GlbDocument& document) : document_(document) {}

  std::vector<MeshPart> read() {
    check_extensions();
    std::vector<Pending> pending = roots();
    std::set<int64_t> visited;
    while (!pending.empty()) {
      const auto [number, world_from_parent] = pending.back();
      pending.pop_back();
      if (!visited.insert(number).second) document_.fail("is reached twice", fmt::format("nodes[{}]", number));
      const json& node = document_.element("nodes", number);
      const Affine world_from_node = world_from_parent * parent_from_node(document_, node);
      if (GlbDocument::member(node, "mesh") != nullptr) add_mesh(document_.whole(node, "mesh", 0), world_from_node);
      for (const int64_t child : node_list(node, "children")) pending.push_back({child, world_from_node});
    }
    return std::move(parts_);
  }

 private:
  struct Pending {
    int64_t node;
    Affine world_from_parent;
  };

  void check_extensions() const {
    static const std::set<std::string> known = {"KHR_materials_unlit", "KHR_mesh_quantization"};
    const json* required = GlbDocument::member(document_.root(), "extensionsRequired");
    if (required == nullptr || !required->is_array()) return;
    for (const json& name : *required) {
      const std::string text = name.is_string() ? name.get<std::string>() : "";
      if (!known.contains(text)) {
        document_.fail(fmt::format("needs the glTF extension \"{}\", which lucid does not read", text.substr(0, 60)),
                       "extensionsRequired");
      }
    }
  }

  std::vector<int64_t> node_list(const json& object, const char* key) const {
    std::vector<int64_t> nodes;
    const json* list = GlbDocument::member(object, key);
    if (list == nullptr) return nodes;
    for (const json& number : *list) {
      if (!number.is_number_unsigned()) document_.fail("is not a list of nodes", key);
      nodes.push_back(static_cast<int64_t>(number.get<uint64_t>() & 0x7fffffffffffffff));
    }
    return nodes;
  }

  /// The nodes of the file's scene; without one, the nodes that are no other node's child.
  std::vector<Pending> roots() const {
    std::vector<Pending> roots;
    const json* scenes = GlbDocument::member(document_.root(), "scenes");
    if (scenes != nullptr && !scenes->empty()) {
      const json& scene = document_.element("scenes", document_.whole(document_.root(), "scene", 0));
      for (const int64_t node : node_list(scene, "nodes")) roots.push_back({node, {}});
      return roots;
    }
    const json* nodes = GlbDocument::member(document_.root(), "nodes");
    if (nodes == nullptr || !nodes->is_array()) return roots;
    std::set<int64_t> children;
    for (const json& node : *nodes) {
      for (const int64_t child : node_list(node, "children")) children.insert(child);
    }
    for (int64_t node = 0; node < static_cast<int64_t>(nodes->size()); ++node) {
      if (!children.contains(node)) roots.push_back({node, {}});
    }
    return roots;
  }

  void add_mesh(int64_t number, const Affine& world_from_mesh) {
    const json* primitives = GlbDocument::member(document_.element("meshes", number), "primitives");
    if (primitives == nullptr || !primitives->is_array()) return;
    for (const json& primitive : *primitives) add_primitive(primitive, world_from_mesh);
  }

  void add_primitive(const json& primitive, const Affine& world_from_mesh) {
    constexpr int64_t kTriangles = 4, kStrip = 5, kFan = 6;
    const int64_t mode = document_.whole(primitive, "mode", kTriangles);
    if (mode != kTriangles && mode != kStrip && mode != kFan) return;  // points and lines
    const json* attributes = GlbDocument::member(primitive, "attributes");
    if (attributes == nullptr || !attributes->contains("POSITION")) document_.fail("lacks POSITION", "attributes");
    MeshPart part;
    const GlbArray positions = document_.array(document_.whole(*attributes, "POSITION", 0), 3, 3);
    vertices_ += positions.size();
    if (vertices_ > kMostElements) document_.fail(fmt::format("has more than {} vertices", kMostElements));
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
    add_colours_to(part, *attributes);
    add_material_to(part, primitive, *attributes);
    parts_.push_back(std::move(part));
  }

  std::vector<uint32_t> corners(const json& primitive, size_t vertices) {
    std::vector<uint32_t> order;
    if (GlbDocument::member(primitive, "indices") == nullptr) {
      for (uint32_t v = 0; v < vertices; ++v) order.push_back(v);
      return order;
    }
    const GlbArray indices = document_.indices(document_.whole(primitive, "indices", 0));
    indices_ += indices.size();
    if (indices_ > 3 * kMostElements) document_.fail(fmt::format("has more than {} triangles", kMostElements));
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
    part.texture = texture(document_.whole(*reference, "index", 0));
    if (part.texture == nullptr) return;
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
  std::vector<MeshPart> parts_;
  TextureStore textures_;  // by buffer view
  size_t vertices_ = 0, indices_ = 0;
};

}  // namespace

mesh::TriangleMesh read_glb(const std::filesystem::path& file, std::string_view bytes) {
  const GlbDocument document(file, bytes);
  return join(file, SceneReader(document).read());
}

}  // namespace lucid::asset::mesh_files
