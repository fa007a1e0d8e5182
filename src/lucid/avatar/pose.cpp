// SPDX-License-Identifier: Apache-2.0
// Rotations of joints to positions of vertices.
#include "lucid/avatar/pose.h"

#include <cmath>

#include "lucid/base/error.h"
#include "lucid/base/spelling.h"
#include "lucid/json/json_config.h"
#include "lucid/math/quaternion.h"
#include "lucid/start/placement.h"

namespace lucid::avatar {
namespace {

using asset::mesh_files::Affine;
using Double3 = Vec3<double>;

constexpr Mat3<double> kIdentity{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};

Double3 doubles_of(const mesh::Point& p) { return {p.x, p.y, p.z}; }

/// p -> rotation p + offset.
struct Motion {
  Mat3<double> rotation = kIdentity;
  Double3 offset{};
  Double3 operator()(const Double3& p) const { return rotation * p + offset; }
};

/// World at rest to world in the pose, of each joint.
std::vector<Motion> motions_of(const Body& body, const Pose& pose) {
  std::vector<Motion> motions(body.joints.size());
  for (size_t j = 0; j < motions.size(); ++j) {
    const Joint& joint = body.joints[j];
    const Double3 at = doubles_of(joint.at);
    const Motion above = joint.parent >= 0 ? motions[static_cast<size_t>(joint.parent)] : Motion{};
    motions[j].rotation = above.rotation * pose[j];
    motions[j].offset = above(at) - motions[j].rotation * at;
  }
  return motions;
}

/// The shortest rotation from one unit vector to another.
Mat3<double> rotation_between(const Double3& from, const Double3& to) {
  const double w = 1 + dot(from, to);
  if (w < 1e-9) return {{-1, 0, 0}, {0, 1, 0}, {0, 0, -1}};  // half a turn about the front's axis: arms stay in plane
  const Double3 axis = cross(from, to);
  double inverse_length = 0;
  return rotation(normalized(Quat<double>{w, axis.x, axis.y, axis.z}, &inverse_length));
}

Double3 direction(const KeyPoint& from, const KeyPoint& to) {
  double length = 0;
  return normalized(doubles_of(to.at) - doubles_of(from.at), &length);
}

/// Upper arms, then lower arms, become level and point away from the body.
Pose t_pose(const Body& body) {
  if (!body.key_points) {
    throw UserError({.what_happened = "the T-pose needs a body with key points: nodes named openpose_nose and so on",
                     .key = "pose",
                     .hint = "--pose a keeps the body as it is"});
  }
  Pose pose(body.joints.size(), kIdentity);
  const auto& points = *body.key_points;
  for (const size_t shoulder : {kRightShoulder, kLeftShoulder}) {
    const KeyPoint &upper = points[shoulder], &lower = points[shoulder + 1], &hand = points[shoulder + 2];
    if (upper.joint < 0 || lower.joint < 0 || body.joints[static_cast<size_t>(lower.joint)].parent != upper.joint) {
      throw UserError({.what_happened = fmt::format("the T-pose needs a joint at {}, and below it one at {}",
                                                    kKeyPointNames[shoulder], kKeyPointNames[shoulder + 1]),
                       .key = "pose"});
    }
    const Double3 outwards{shoulder == kRightShoulder ? 1.0 : -1.0, 0, 0};
    const Mat3<double> raise = rotation_between(direction(upper, lower), outwards);
    pose[static_cast<size_t>(upper.joint)] = raise;
    // The lower arm is turned at rest, before the upper arm takes it along.
    pose[static_cast<size_t>(lower.joint)] =
        rotation_between(direction(lower, hand), transposed_times(raise, outwards));
  }
  return pose;
}

Pose pose_of_file(const Body& body, const std::filesystem::path& file) {
  const nlohmann::json json = read_json_object(file);
  Pose pose(body.joints.size(), kIdentity);
  std::vector<std::string> names;
  for (const Joint& joint : body.joints) names.push_back(joint.name);
  for (const auto& [name, value] : json.items()) {
    const auto at = std::ranges::find(names, name);
    if (at == names.end()) {
      const auto near = near_words(name, names);
      throw UserError({.what_happened = "the body has no joint of this name",
                       .file = file.string(),
                       .key = name,
                       .hint = near.empty() ? fmt::format("its first is {}", names.front())
                                            : fmt::format("did you mean {}?", near.front())});
    }
    const bool is_list = value.is_array() && value.size() == 3;
    if (!is_list || !std::ranges::all_of(value, [](const auto& angle) { return angle.is_number(); })) {
      throw UserError(
          {.what_happened = "is not a list of three angles in degrees", .file = file.string(), .key = name});
    }
    pose[static_cast<size_t>(at - names.begin())] = start::rotation_of_angles(
        {value[0].template get<double>(), value[1].template get<double>(), value[2].template get<double>()});
  }
  return pose;
}

}  // namespace

Pose read_pose(const Body& body, const std::string& name) {
  if (name == "a") return Pose(body.joints.size(), kIdentity);
  if (!body.has_rig()) {
    throw UserError({.what_happened = fmt::format("'{}' needs a body with a skeleton, and this one has none", name),
                     .key = "pose",
                     .hint = "a .glb with a skin; --pose a keeps the body as it is"});
  }
  return name == "t" ? t_pose(body) : pose_of_file(body, name);
}

PosedBody posed(const Body& body, const Pose& pose) {
  LUCID_CHECK(pose.size() == body.joints.size(), "{} rotations, {} joints", pose.size(), body.joints.size());
  const std::vector<Motion> motions = motions_of(body, pose);
  PosedBody result;
  result.mesh.triangles = body.triangles;
  result.mesh.positions.reserve(body.mesh_positions.size());
  for (size_t v = 0; v < body.mesh_positions.size(); ++v) {
    const mesh::Point& p = body.mesh_positions[v];
    if (!body.has_rig()) {
      result.mesh.positions.push_back(p);
      continue;
    }
    Double3 at{};
    for (size_t k = 0; k < 4; ++k) {
      const float weight = body.skin[v].weights[k];
      if (weight == 0) continue;
      const size_t joint = body.skin[v].joints[k];
      at = at + double{weight} * motions[joint](doubles_of(body.joints[joint].world_from_mesh(p.x, p.y, p.z)));
    }
    result.mesh.positions.push_back({float(at.x), float(at.y), float(at.z)});
  }
  if (body.key_points) {
    result.key_points.emplace();
    for (size_t k = 0; k < kKeyPoints; ++k) {
      const KeyPoint& point = (*body.key_points)[k];
      const Double3 at =
          point.joint < 0 ? doubles_of(point.at) : motions[static_cast<size_t>(point.joint)](doubles_of(point.at));
      (*result.key_points)[k] = {float(at.x), float(at.y), float(at.z)};
    }
  }
  return result;
}

}  // namespace lucid::avatar
