// SPDX-License-Identifier: Apache-2.0
// Body: the mesh of a figure with its skeleton, its skin weights and the key points of an OpenPose skeleton; read from
// a file.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lucid/asset/mesh_files/glb_scene.h"
#include "lucid/mesh/triangle_mesh.h"

namespace lucid::avatar {

/// The key points of COCO, in OpenPose's order. "right" is the body's own right.
enum KeyPointIndex : size_t {
  kNose,
  kNeck,
  kRightShoulder,
  kRightElbow,
  kRightWrist,
  kLeftShoulder,
  kLeftElbow,
  kLeftWrist,
  kRightHip,
  kRightKnee,
  kRightAnkle,
  kLeftHip,
  kLeftKnee,
  kLeftAnkle,
  kRightEye,
  kLeftEye,
  kRightEar,
  kLeftEar,
  kKeyPoints
};
inline constexpr std::array<std::string_view, kKeyPoints> kKeyPointNames = {
    "nose",       "neck",       "right_shoulder", "right_elbow", "right_wrist", "left_shoulder",
    "left_elbow", "left_wrist", "right_hip",      "right_knee",  "right_ankle", "left_hip",
    "left_knee",  "left_ankle", "right_eye",      "left_eye",    "right_ear",   "left_ear"};

struct Joint {
  std::string name;
  int parent = -1;                              // the joint above it; -1: none
  mesh::Point at{};                             // at rest, world
  asset::mesh_files::Affine world_from_mesh{};  // of the vertices of `mesh_positions` that follow it, at rest
};

/// A vertex follows up to four joints; the weights have the sum 1.
struct Skin {
  std::array<uint16_t, 4> joints{};
  std::array<float, 4> weights{};
};

struct KeyPoint {
  mesh::Point at{};  // at rest, world
  int joint = -1;    // that moves it; -1: none
};

struct Body {
  std::vector<Joint> joints;                                   // parents first; empty: no rig
  std::vector<mesh::Point> mesh_positions;                     // [V] in the mesh's space with a rig, otherwise world
  std::vector<mesh::Triangle> triangles;                       // [F]
  std::vector<Skin> skin;                                      // [V], or empty without a rig
  std::optional<std::array<KeyPoint, kKeyPoints>> key_points;  // none: the file has none

  bool has_rig() const { return !joints.empty(); }
};

/// Reads a skinned .glb, or any mesh of read_mesh() as a body without a rig. World axes: a .glb's y up, front +z
/// becomes lucid's z up, front +y, in the file's units. Key points are nodes named openpose_NAME with the names of
/// kKeyPointNames, below the joints that move them: all 18 or none.
/// Throws UserError: unreadable or damaged file, weights that are no weights, a part of the key points.
Body read_body(const std::filesystem::path& file);

}  // namespace lucid::avatar
