// SPDX-License-Identifier: Apache-2.0
// Poses of a body by linear blend skinning.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "lucid/avatar/body.h"

namespace lucid::avatar {

using KeyPoints = std::array<mesh::Point, kKeyPoints>;

struct PosedBody {
  mesh::TriangleMesh mesh;              // positions and triangles, world
  std::optional<KeyPoints> key_points;  // world
};

/// The rotation of each joint, about its place at rest and in the world's axes at rest; those of the joints above it
/// follow. The identity is the pose of the file.
using Pose = std::vector<Mat3<double>>;

/// "a": as the file has it. "t": both arms straight out to the sides. Otherwise a JSON file: {"JOINT": [x, y, z], ...},
/// degrees about x, then y, then z. Throws UserError: unreadable file, unknown joint, a body without what the pose
/// needs (a rig; for "t" key points as well).
Pose read_pose(const Body& body, const std::string& name);

PosedBody posed(const Body& body, const Pose& pose);

}  // namespace lucid::avatar
