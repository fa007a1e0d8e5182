// SPDX-License-Identifier: Apache-2.0
// Reads a skinned glTF: untrusted data, like every model file.
#include "lucid/avatar/body.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "lucid/asset/formats.h"
#include "lucid/asset/mesh_files/frame.h"
#include "lucid/asset/mesh_files/mesh_files.h"
#include "lucid/base/error.h"
#include "lucid/base/mapped_file.h"

namespace lucid::avatar {
namespace {

using asset::mesh_files::Affine;
using asset::mesh_files::GlbArray;
using asset::mesh_files::GlbDocument;
using asset::mesh_files::GlbNode;
using json = nlohmann::json;

constexpr size_t kMostVertices = size_t{1} << 20, kMostJoints = 4096;
constexpr std::string_view kKeyPointPrefix = "openpose_";
constexpr int64_t kTriangles = 4;  // a value of "mode"

/// lucid's axes from glTF's: (x, y, z) becomes (-x, z, y).
constexpr Affine kLucidFromGltf{.linear = {-1, 0, 0, 0, 0, 1, 0, 1, 0}, .offset = {}};

std::string name_of(const GlbNode& node) {
  const json* name = GlbDocument::member(*node.json, "name");
  return name != nullptr && name->is_string() ? name->get<std::string>() : "";
}

mesh::Point origin_of(const Affine& t) { return t(0, 0, 0); }

bool is_finite(const mesh::Point& p) { return std::isfinite(p.x) && std::isfinite(p.y) && std::isfinite(p.z); }

class BodyReader {
 public:
  explicit BodyReader(const GlbDocument& document) : document_(document), nodes_(nodes_of(document)) {
    for (size_t i = 0; i < nodes_.size(); ++i) place_[nodes_[i].number] = i;
  }

  Body read() {
    const int64_t skin = skin_of_scene();
    if (skin >= 0) {
      read_joints(document_.element("skins", skin));
      for (const GlbNode& node : nodes_) {
        const bool is_skinned = GlbDocument::member(*node.json, "skin") != nullptr;
        if (is_skinned && document_.whole(*node.json, "skin", 0) == skin) read_mesh_of(*node.json);
      }
      if (body_.triangles.empty()) document_.fail("has a skeleton, but no triangles that follow it");
    }
    read_key_points();
    return std::move(body_);
  }

 private:
  /// The first skin that a mesh of the scene has; -1 if none has one.
  int64_t skin_of_scene() const {
    for (const GlbNode& node : nodes_) {
      if (GlbDocument::member(*node.json, "skin") != nullptr && GlbDocument::member(*node.json, "mesh") != nullptr)
        return document_.whole(*node.json, "skin", 0);
    }
    return -1;
  }

  /// Joints in the order of the scene, in which parents come first; number_ leads from the skin's order to it.
  void read_joints(const json& skin) {
    const json* list = GlbDocument::member(skin, "joints");
    if (list == nullptr || !list->is_array() || list->empty() || list->size() > kMostJoints)
      document_.fail("is not a list of nodes", "skins.joints");
    std::map<int64_t, size_t> in_skin;  // by node
    for (const json& node : *list) {
      if (!node.is_number_unsigned()) document_.fail("is not a list of nodes", "skins.joints");
      if (!in_skin.emplace(node.get<int64_t>(), in_skin.size()).second)
        document_.fail("names a node twice", "skins.joints");
    }
    std::optional<GlbArray> inverse;
    if (GlbDocument::member(skin, "inverseBindMatrices") != nullptr) {
      inverse = document_.array(document_.whole(skin, "inverseBindMatrices", 0), 16, 16);
      if (inverse->size() < in_skin.size()) document_.fail("has too few matrices", "skins.inverseBindMatrices");
    }
    number_.resize(in_skin.size());
    for (const GlbNode& node : nodes_) {
      const auto at = in_skin.find(node.number);
      if (at == in_skin.end()) continue;
      const Affine world_from_joint = kLucidFromGltf * node.world_from_node;
      Affine joint_from_mesh;
      for (int column = 0; inverse && column < 4; ++column) {
        for (int row = 0; row < 3; ++row) {
          const double value = inverse->number(at->second, 4 * column + row);
          (column < 3 ? joint_from_mesh.linear[static_cast<size_t>(3 * row + column)]
                      : joint_from_mesh.offset[static_cast<size_t>(row)]) = value;
        }
      }
      number_[at->second] = body_.joints.size();
      joint_of_node_[node.number] = static_cast<int>(body_.joints.size());
      body_.joints.push_back({.name = name_of(node),
                              .parent = joint_above(node.parent),
                              .at = origin_of(world_from_joint),
                              .world_from_mesh = world_from_joint * joint_from_mesh});
      if (!is_finite(body_.joints.back().at)) document_.fail("is not finite", name_of(node));
    }
    if (body_.joints.size() != in_skin.size()) document_.fail("names nodes outside the scene", "skins.joints");
  }

  /// The nearest joint at or above a node; -1 if there is none.
  int joint_above(int64_t node) const {
    while (node >= 0) {
      if (const auto at = joint_of_node_.find(node); at != joint_of_node_.end()) return at->second;
      node = nodes_[place_.at(node)].parent;
    }
    return -1;
  }

  void read_mesh_of(const json& node) {
    const json* primitives =
        GlbDocument::member(document_.element("meshes", document_.whole(node, "mesh", 0)), "primitives");
    if (primitives == nullptr || !primitives->is_array()) return;
    for (const json& primitive : *primitives) {
      if (document_.whole(primitive, "mode", kTriangles) == kTriangles) read_primitive(primitive);
    }
  }

  GlbArray attribute(const json& primitive, const char* name, int components) const {
    const json* attributes = GlbDocument::member(primitive, "attributes");
    if (attributes == nullptr || !attributes->contains(name))
      document_.fail(fmt::format("lacks {}", name), "attributes");
    return document_.array(document_.whole(*attributes, name, 0), components, components);
  }

  void read_primitive(const json& primitive) {
    const size_t first = body_.mesh_positions.size();
    const GlbArray positions = attribute(primitive, "POSITION", 3), joints = attribute(primitive, "JOINTS_0", 4),
                   weights = attribute(primitive, "WEIGHTS_0", 4);
    const size_t count = positions.size();
    if (count > kMostVertices - first) document_.fail(fmt::format("has more than {} vertices", kMostVertices));
    if (joints.size() != count || weights.size() != count)
      document_.fail(fmt::format("has {} joints and {} weights for {} vertices", joints.size(), weights.size(), count));
    for (size_t v = 0; v < count; ++v) {
      body_.mesh_positions.push_back({static_cast<float>(positions.number(v, 0)),
                                      static_cast<float>(positions.number(v, 1)),
                                      static_cast<float>(positions.number(v, 2))});
      if (!is_finite(body_.mesh_positions.back())) document_.fail("is not finite", "POSITION");
      body_.skin.push_back(skin_at(joints, weights, v));
    }
    add_triangles(primitive, first, count);
  }

  Skin skin_at(const GlbArray& joints, const GlbArray& weights, size_t v) const {
    Skin skin;
    double sum = 0;
    for (int k = 0; k < 4; ++k) {
      const double joint = joints.number(v, k), weight = weights.number(v, k);
      if (!(joint >= 0 && joint < static_cast<double>(number_.size())) || joint != std::floor(joint))
        document_.fail(fmt::format("vertex {} follows a joint that there is not", v), "JOINTS_0");
      if (!(weight >= 0 && weight <= 1e6)) document_.fail(fmt::format("vertex {} has no weight", v), "WEIGHTS_0");
      skin.joints[static_cast<size_t>(k)] = static_cast<uint16_t>(number_[static_cast<size_t>(joint)]);
      skin.weights[static_cast<size_t>(k)] = static_cast<float>(weight);
      sum += weight;
    }
    if (!(sum > 0)) document_.fail(fmt::format("vertex {} follows no joint", v), "WEIGHTS_0");
    for (float& weight : skin.weights) weight = static_cast<float>(weight / sum);
    return skin;
  }

  void add_triangles(const json& primitive, size_t first, size_t count) {
    std::vector<uint32_t> order;
    if (GlbDocument::member(primitive, "indices") != nullptr) {
      const GlbArray indices = document_.indices(document_.whole(primitive, "indices", 0));
      if (indices.size() > 6 * kMostVertices) document_.fail("has too many triangles");
      for (size_t i = 0; i < indices.size(); ++i) order.push_back(indices.index(i));
    } else {
      for (size_t i = 0; i < count; ++i) order.push_back(static_cast<uint32_t>(i));
    }
    for (size_t i = 0; i + 2 < order.size(); i += 3) {
      mesh::Triangle triangle{};
      for (size_t k = 0; k < 3; ++k) {
        if (order[i + k] >= count) document_.fail(fmt::format("has no vertex {}", order[i + k]), "indices");
        triangle[k] = static_cast<uint32_t>(first + order[i + k]);
      }
      body_.triangles.push_back(triangle);
    }
    if (body_.triangles.size() > 2 * kMostVertices) document_.fail("has too many triangles");
  }

  void read_key_points() {
    std::array<KeyPoint, kKeyPoints> points;
    std::array<bool, kKeyPoints> is_there{};
    for (const GlbNode& node : nodes_) {
      const std::string name = name_of(node);
      if (!name.starts_with(kKeyPointPrefix)) continue;
      const auto at = std::ranges::find(kKeyPointNames, std::string_view(name).substr(kKeyPointPrefix.size()));
      if (at == kKeyPointNames.end()) document_.fail("is no key point of OpenPose's", name);
      const auto index = static_cast<size_t>(at - kKeyPointNames.begin());
      points[index] = {.at = origin_of(kLucidFromGltf * node.world_from_node), .joint = joint_above(node.parent)};
      if (!is_finite(points[index].at)) document_.fail("is not finite", name);
      is_there[index] = true;
    }
    const auto missing = std::ranges::find(is_there, false);
    if (missing == is_there.end()) {
      body_.key_points = points;
    } else if (std::ranges::find(is_there, true) != is_there.end()) {
      document_.fail(
          "is missing, though the file has other key points",
          fmt::format("{}{}", kKeyPointPrefix, kKeyPointNames[static_cast<size_t>(missing - is_there.begin())]));
    }
  }

  const GlbDocument& document_;
  std::vector<GlbNode> nodes_;
  std::map<int64_t, size_t> place_;       // in nodes_, by number
  std::map<int64_t, int> joint_of_node_;  // in body_.joints
  std::vector<size_t> number_;            // in body_.joints, by place in the skin
  Body body_;
};

}  // namespace

Body read_body(const std::filesystem::path& file) {
  Body body;
  if (asset::lower_extension(file) == ".glb") {
    const auto mapped = MappedFile::open(file, "a mesh was expected");
    const GlbDocument document(file, mapped->bytes());
    body = BodyReader(document).read();
  }
  if (!body.has_rig()) {
    mesh::TriangleMesh mesh = asset::read_mesh(file);
    body.mesh_positions = std::move(mesh.positions);
    body.triangles = std::move(mesh.triangles);
  }
  return body;
}

}  // namespace lucid::avatar
