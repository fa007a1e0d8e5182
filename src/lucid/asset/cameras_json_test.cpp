// SPDX-License-Identifier: Apache-2.0
// Tests of cameras.json: position and rotation are those of world_from_camera, focal lengths are in pixels.
#include "lucid/asset/cameras_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "goldens.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

TEST(CamerasJson, IsWhat3dgsWrites) {
  const lucid::test::TemporaryFolder folder;
  Camera camera;  // at (5, 6, 7): x_camera = x_world - 5, y_camera = 7 - z_world, z_camera = y_world - 6
  camera.camera_from_world = {1, 0, 0, -5, 0, 0, -1, 7, 0, 1, 0, -6, 0, 0, 0, 1};
  camera.width = 640;
  camera.height = 480;
  camera.tan_half_fov_x = 0.5;
  camera.tan_half_fov_y = 0.25;
  write_cameras_json(folder.path / "cameras.json", {camera, camera});
  const auto list = nlohmann::ordered_json::parse(read_file(folder.path / "cameras.json"));
  ASSERT_EQ(list.size(), 2u);
  std::vector<std::string> keys;
  for (const auto& [key, value] : list[1].items()) keys.push_back(key);
  EXPECT_EQ(keys, (std::vector<std::string>{"id", "img_name", "width", "height", "position", "rotation", "fy", "fx"}));
  EXPECT_EQ(list[0].at("id"), 0);
  EXPECT_EQ(list[1].at("id"), 1);
  EXPECT_EQ(list[1].at("img_name"), "00001");
  EXPECT_EQ(list[1].at("width"), 640);
  EXPECT_EQ(list[1].at("height"), 480);
  EXPECT_EQ(list[1].at("position"), (std::vector<double>{5, 6, 7}));
  const std::vector<std::vector<double>> rotation = {{1, 0, 0}, {0, 0, 1}, {0, -1, 0}};
  EXPECT_EQ(list[1].at("rotation"), rotation);
  EXPECT_EQ(list[1].at("fx"), 640.0);
  EXPECT_EQ(list[1].at("fy"), 960.0);
}

TEST(CamerasJson, UnwritableIsTheUsersMistake) {
  EXPECT_THROW(write_cameras_json("/proc/lucid/cameras.json", {}), UserError);
}

}  // namespace
}  // namespace lucid::asset
