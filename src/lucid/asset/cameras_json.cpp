// SPDX-License-Identifier: Apache-2.0
// cameras.json: each camera's centre in world coordinates, the rotation of world_from_camera, and focal lengths in
// pixels.
#include "lucid/asset/cameras_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

nlohmann::ordered_json camera_entry(const Camera& camera, size_t id) {
  LUCID_CHECK(camera.tan_half_fov_x > 0 && camera.tan_half_fov_y > 0, "camera {}", id);
  const auto& m = camera.camera_from_world;  // [R|t], so the centre is -R^T t and world_from_camera is R^T
  std::array<double, 3> position{};
  std::array<std::array<double, 3>, 3> rotation{};
  for (size_t i = 0; i < 3; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      rotation[i][j] = m[j * 4 + i];
      position[i] -= m[j * 4 + i] * m[j * 4 + 3];
    }
  }
  nlohmann::ordered_json entry;
  entry["id"] = id;
  entry["img_name"] = fmt::format("{:05}", id);
  entry["width"] = camera.width;
  entry["height"] = camera.height;
  entry["position"] = position;
  entry["rotation"] = rotation;
  entry["fy"] = camera.height / (2 * camera.tan_half_fov_y);
  entry["fx"] = camera.width / (2 * camera.tan_half_fov_x);
  return entry;
}

}  // namespace

void write_cameras_json(const std::filesystem::path& file, const std::vector<Camera>& cameras) {
  auto list = nlohmann::ordered_json::array();
  for (size_t i = 0; i < cameras.size(); ++i) list.push_back(camera_entry(cameras[i], i));
  write_file(file, list.dump() + "\n");
}

}  // namespace lucid::asset
