// SPDX-License-Identifier: Apache-2.0
// Walks the nodes of a glTF scene without recursion.
#include "lucid/asset/mesh_files/glb_scene.h"

#include <set>

#include "lucid/base/error.h"

namespace lucid::asset::mesh_files {
namespace {

using json = nlohmann::json;

constexpr size_t kMostInstances = size_t{1} << 20;  // a small file can show many primitives many times

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

class SceneWalk {
 public:
  explicit SceneWalk(const GlbDocument& document) : document_(document) {}

  std::vector<GlbNode> walk() const {
    check_extensions();
    std::vector<GlbNode> nodes, pending = roots();
    std::set<int64_t> visited;
    while (!pending.empty()) {
      GlbNode node = pending.back();  // world_from_node is still its parent's
      pending.pop_back();
      if (!visited.insert(node.number).second)
        document_.fail("is reached twice", fmt::format("nodes[{}]", node.number));
      node.json = &document_.element("nodes", node.number);
      node.world_from_node = node.world_from_node * parent_from_node(document_, *node.json);
      for (const int64_t child : node_list(*node.json, "children"))
        pending.push_back(
            {.number = child, .parent = node.number, .world_from_node = node.world_from_node, .json = nullptr});
      nodes.push_back(node);
    }
    return nodes;
  }

 private:
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
  std::vector<GlbNode> roots() const {
    std::vector<GlbNode> roots;
    const json* scenes = GlbDocument::member(document_.root(), "scenes");
    if (scenes != nullptr && !scenes->empty()) {
      const json& scene = document_.element("scenes", document_.whole(document_.root(), "scene", 0));
      for (const int64_t node : node_list(scene, "nodes"))
        roots.push_back({.number = node, .parent = -1, .world_from_node = {}, .json = nullptr});
      return roots;
    }
    const json* nodes = GlbDocument::member(document_.root(), "nodes");
    if (nodes == nullptr || !nodes->is_array()) return roots;
    std::set<int64_t> children;
    for (const json& node : *nodes) {
      for (const int64_t child : node_list(node, "children")) children.insert(child);
    }
    for (int64_t node = 0; node < static_cast<int64_t>(nodes->size()); ++node) {
      if (!children.contains(node))
        roots.push_back({.number = node, .parent = -1, .world_from_node = {}, .json = nullptr});
    }
    return roots;
  }

  const GlbDocument& document_;
};

}  // namespace

std::vector<GlbNode> nodes_of(const GlbDocument& document) { return SceneWalk(document).walk(); }

std::vector<GlbInstance> instances_of(const GlbDocument& document) {
  std::vector<GlbInstance> instances;
  for (const GlbNode& node : nodes_of(document)) {
    if (GlbDocument::member(*node.json, "mesh") == nullptr) continue;
    const json& mesh = document.element("meshes", document.whole(*node.json, "mesh", 0));
    const json* primitives = GlbDocument::member(mesh, "primitives");
    if (primitives == nullptr || !primitives->is_array()) continue;
    if (primitives->size() > kMostInstances - instances.size())
      document.fail(fmt::format("shows more than {} primitives", kMostInstances));
    for (const json& primitive : *primitives) instances.push_back({&primitive, node.world_from_node});
  }
  return instances;
}

}  // namespace lucid::asset::mesh_files
