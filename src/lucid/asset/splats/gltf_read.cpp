// SPDX-License-Identifier: Apache-2.0
// Reader of KHR_gaussian_splatting: walks the nodes of the scene and collects the Gaussians of their meshes.
#include <set>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/gltf.h"
#include "lucid/asset/splats/gltf_document.h"
#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"

namespace lucid::asset::gltf {
namespace {

using nlohmann::json;

/// x -> rotation(scale * x) + translation.
struct Pose {
  Quat<double> rotation;
  double scale = 1;
  Vec3<double> translation;
};

Pose product(const Pose& a, const Pose& b) {
  return {asset::product(a.rotation, b.rotation), a.scale * b.scale,
          a.scale * (rotation(a.rotation) * b.translation) + a.translation};
}

class Reader {
 public:
  Reader(const std::filesystem::path& file, std::string_view bytes) : document_(file, bytes) {}

  gaussians::Cloud read() {
    std::vector<std::pair<uint64_t, Pose>> open;  // nodes to visit, with their parents' poses
    for (const uint64_t root : roots()) open.push_back({root, {}});
    while (!open.empty()) {
      const auto [index, parent] = open.back();
      open.pop_back();
      const json& node = document_.at("nodes", index);
      if (!visited_.insert(index).second) document_.refuse("is a node of two parents", name_of("nodes", index));
      const Pose pose = product(parent, pose_of(node, index));
      for (const json& child : node.value("children", json::array())) {
        open.push_back({child.get_ref<const json::number_unsigned_t&>(), pose});
      }
      if (node.contains("mesh")) add_mesh(integer(node, "mesh"), pose);
    }
    if (clouds_.empty()) {
      document_.refuse("holds no Gaussians", "", "a glTF file with KHR_gaussian_splatting was expected");
    }
    return joined();
  }

 private:
  static std::string name_of(const char* array, uint64_t index) { return fmt::format("{}[{}]", array, index); }

  /// The nodes of the default scene; without scenes, all nodes that are no children.
  std::vector<uint64_t> roots() const {
    const json& root = document_.json();
    std::vector<uint64_t> indices;
    if (root.contains("scenes")) {
      const json& scene = document_.at("scenes", integer(root, "scene", 0));
      for (const json& node : scene.value("nodes", json::array())) {
        indices.push_back(node.get_ref<const json::number_unsigned_t&>());
      }
      return indices;
    }
    const json nodes = root.value("nodes", json::array());
    std::set<uint64_t> children;
    for (const json& node : nodes) {
      for (const json& child : node.value("children", json::array())) {
        children.insert(child.get_ref<const json::number_unsigned_t&>());
      }
    }
    for (uint64_t i = 0; i < nodes.size(); ++i) {
      if (!children.contains(i)) indices.push_back(i);
    }
    return indices;
  }

  Pose pose_of(const json& node, uint64_t index) const {
    constexpr double kTolerance = 1e-4;
    const auto refuse = [&](const char* what) {
      document_.refuse(what, name_of("nodes", index), "the scale of Gaussians must be positive and uniform");
    };
    Pose pose;
    if (node.contains("matrix")) {
      const auto m = node.at("matrix").get<std::array<double, 16>>();  // by columns
      const Mat3<double> linear{{m[0], m[1], m[2]}, {m[4], m[5], m[6]}, {m[8], m[9], m[10]}};
      pose.scale = std::cbrt(dot(cross(linear.c0, linear.c1), linear.c2));
      if (!(pose.scale > 0)) refuse("its matrix mirrors or flattens");
      const double s = 1 / pose.scale;
      const Mat3<double> turn{s * linear.c0, s * linear.c1, s * linear.c2};
      if (!(distance_from_rotation(turn) < kTolerance)) refuse("its matrix is not a rotation and a uniform scale");
      pose.rotation = quaternion_of(turn);
      pose.translation = {m[12], m[13], m[14]};
    } else {
      const auto q = node.value("rotation", std::array<double, 4>{0, 0, 0, 1});
      const auto s = node.value("scale", std::array<double, 3>{1, 1, 1});
      const auto t = node.value("translation", std::array<double, 3>{0, 0, 0});
      double inverse_length = 0;
      pose.rotation = normalized(Quat<double>{q[3], q[0], q[1], q[2]}, &inverse_length);
      pose.translation = {t[0], t[1], t[2]};
      pose.scale = s[0];
      const double spread = std::max(std::abs(s[1] - s[0]), std::abs(s[2] - s[0]));
      if (!(s[0] > 0) || !(spread <= kTolerance * s[0])) refuse("its scale is not positive and uniform");
      if (!(inverse_length > 0) || !std::isfinite(inverse_length)) refuse("its rotation is zero");
    }
    return pose;
  }

  void add_mesh(uint64_t index, const Pose& pose) {
    for (const json& primitive : document_.at("meshes", index).at("primitives")) {
      const json extensions = primitive.value("extensions", json::object());
      if (!extensions.contains(kExtension)) continue;
      const json& extension = extensions.at(kExtension);
      const json compression = extension.value("extensions", json::object());
      if (!compression.empty()) {
        document_.refuse("the Gaussians are compressed by " + compression.begin().key(), name_of("meshes", index),
                         "only uncompressed KHR_gaussian_splatting is read");
      }
      const std::string kernel = extension.at("kernel").get<std::string>();
      const std::string colours = extension.at("colorSpace").get<std::string>();
      if (kernel != "ellipse" || colours != "srgb_rec709_display") {
        document_.refuse(fmt::format("has Gaussians with kernel \"{}\" and colour space \"{}\"", kernel, colours),
                         name_of("meshes", index), "\"ellipse\" and \"srgb_rec709_display\" are read");
      }
      clouds_.push_back(placed(read_primitive(primitive.at("attributes"), index), pose, index));
    }
  }

  uint64_t accessor(const json& attributes, const std::string& name) const {
    if (!attributes.contains(name)) document_.refuse("lacks the attribute " + name, "attributes");
    return integer(attributes, name.c_str());
  }
  static std::string sh_name(int degree, int order) {
    return fmt::format("{}:SH_DEGREE_{}_COEF_{}", kExtension, degree, order);
  }

  /// The numbers of an attribute: [count, components].
  std::vector<float> values(const json& attributes, const std::string& name, const char* type, uint64_t count) {
    const uint64_t index = accessor(attributes, name);
    if (document_.rows(index) != count) document_.refuse("not all attributes have the same count", name);
    std::vector<float> numbers = document_.values(index, type);
    if (total_ > document_.size()) document_.refuse(fmt::format("claims {} Gaussians, more than it can hold", total_));
    return numbers;
  }

  gaussians::Cloud read_primitive(const json& attributes, uint64_t mesh) {
    const uint64_t count = document_.rows(accessor(attributes, "POSITION"));
    if (count == 0) document_.refuse("holds no Gaussians", name_of("meshes", mesh));
    // Without this limit, a small file could claim many Gaussians, because nodes and attributes can share arrays.
    total_ += std::min<uint64_t>(count, INT32_MAX);
    const auto means = values(attributes, "POSITION", "VEC3", count);
    const auto dc = values(attributes, sh_name(0, 0), "VEC3", count);
    int degree = 0;
    while (degree < kMaxShDegree && attributes.contains(sh_name(degree + 1, 0))) ++degree;
    gaussians::Cloud cloud = new_cloud(static_cast<int64_t>(count), sh_count(degree) - 1);
    const CloudArrays to = arrays_of(cloud);
    std::copy(means.begin(), means.end(), to.means);
    std::copy(dc.begin(), dc.end(), to.dc);
    read_shapes(attributes, to);
    read_opacities(attributes, to);
    for (int l = 1; l <= degree; ++l) {
      for (int k = l * l; k < sh_count(l); ++k) {
        const auto coefficient = values(attributes, sh_name(l, k - l * l), "VEC3", count);
        for (int64_t n = 0; n < to.count; ++n) {
          std::copy_n(coefficient.begin() + 3 * n, 3, to.sh_rest + 3 * (n * to.rest + k - 1));
        }
      }
    }
    return cloud;
  }

  void read_shapes(const json& attributes, const CloudArrays& to) {
    const std::string scale = std::string(kExtension) + ":SCALE", rotation = std::string(kExtension) + ":ROTATION";
    const auto scales = values(attributes, scale, "VEC3", to.count);
    const auto quats = values(attributes, rotation, "VEC4", to.count);
    for (int64_t i = 0; i < 3 * to.count; ++i) {
      if (scales[i] < 0) refuse_number(scale, i / 3, scales[i], "no scale is negative");
      to.log_scales[i] = log_scale_of(scales[i]);
    }
    for (int64_t n = 0; n < to.count; ++n) {
      for (int i = 0; i < 4; ++i) to.quats[4 * n + (i + 1) % 4] = quats[4 * n + i];  // x,y,z,w -> w,x,y,z
    }
  }

  void read_opacities(const json& attributes, const CloudArrays& to) {
    constexpr float kRounding = 1e-4f;
    const std::string name = std::string(kExtension) + ":OPACITY";
    const auto opacities = values(attributes, name, "SCALAR", to.count);
    for (int64_t n = 0; n < to.count; ++n) {
      if (opacities[n] < -kRounding || opacities[n] > 1 + kRounding) {
        refuse_number(name, n, opacities[n], "opacities are between 0 and 1");
      }
      to.logits[n] = logit_of(opacities[n]);
    }
  }

  [[noreturn]] void refuse_number(const std::string& attribute, int64_t row, float value, const char* rule) const {
    document_.refuse(fmt::format("row {} (from 0) is {}; {}", row, value, rule), attribute);
  }

  gaussians::Cloud placed(gaussians::Cloud cloud, const Pose& pose, uint64_t mesh) const {
    const Quat<double>& q = pose.rotation;
    double inverse_length = 0;
    if (q.x != 0 || q.y != 0 || q.z != 0) cloud = turned(cloud, rotation(normalized(q, &inverse_length)));
    const Vec3<double>& t = pose.translation;
    if (pose.scale == 1 && t.x == 0 && t.y == 0 && t.z == 0) return cloud;
    const torch::Tensor shift = torch::tensor({t.x, t.y, t.z}, torch::kFloat64);
    cloud.means = (cloud.means.to(torch::kFloat64) * pose.scale + shift).to(torch::kFloat32);
    cloud.log_scales = (cloud.log_scales.to(torch::kFloat64) + std::log(pose.scale)).to(torch::kFloat32);
    if (!cloud.means.isfinite().all().item<bool>() || !cloud.log_scales.isfinite().all().item<bool>()) {
      document_.refuse("is placed at an infinite distance or scale by its node", name_of("meshes", mesh));
    }
    return cloud;
  }

  /// All Gaussians in one cloud, with the highest SH degree among them; missing coefficients are zero.
  gaussians::Cloud joined() const {
    if (clouds_.size() == 1) return clouds_.front();
    int64_t rest = 0;
    for (const gaussians::Cloud& cloud : clouds_) rest = std::max(rest, cloud.sh_rest.size(1));
    std::array<std::vector<torch::Tensor>, gaussians::Cloud::kGroups> parts;
    for (const gaussians::Cloud& cloud : clouds_) {
      for (int g = 0; g < gaussians::Cloud::kGroups; ++g) {
        torch::Tensor part = *cloud.parameters()[g];
        if (g == gaussians::Cloud::kShRest) part = torch::constant_pad_nd(part, {0, 0, 0, rest - part.size(1)});
        parts[g].push_back(part);
      }
    }
    gaussians::Cloud all;
    for (int g = 0; g < gaussians::Cloud::kGroups; ++g) *all.parameters()[g] = torch::cat(parts[g]);
    return all;
  }

  Document document_;
  std::set<uint64_t> visited_;  // nodes
  uint64_t total_ = 0;          // Gaussians read
  std::vector<gaussians::Cloud> clouds_;
};

}  // namespace

bool is_glb(std::string_view bytes) { return bytes.starts_with("glTF"); }
bool is_json(std::string_view bytes) {
  const size_t at = bytes.substr(0, 64).find_first_not_of(" \t\r\n");
  return at != std::string_view::npos && bytes[at] == '{';
}

gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes) {
  try {
    return Reader(file, bytes).read();
  } catch (const json::exception& error) {
    throw UserError({.what_happened = fmt::format("its JSON is not that of a glTF file: {}", error.what()),
                     .file = file.string(),
                     .hint = "the file is damaged"});
  }
}

}  // namespace lucid::asset::gltf
