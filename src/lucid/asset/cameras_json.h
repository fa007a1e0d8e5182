// SPDX-License-Identifier: Apache-2.0
// cameras.json in the layout that 3D Gaussian Splatting viewers read: id, img_name, width, height, position, rotation,
// fx, fy.
#pragma once

#include <filesystem>
#include <vector>

#include "lucid/camera/camera.h"

namespace lucid::asset {

void write_cameras_json(const std::filesystem::path& file, const std::vector<Camera>& cameras);

}  // namespace lucid::asset
