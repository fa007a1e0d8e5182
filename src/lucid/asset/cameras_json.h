// SPDX-License-Identifier: Apache-2.0
// cameras.json in the layout of the original 3D Gaussian Splatting code: id, img_name, width, height, position,
// rotation, fy, fx. Viewers read it.
#pragma once

#include <filesystem>
#include <vector>

#include "lucid/camera/camera.h"

namespace lucid::asset {

/// Writes all cameras, numbered from 0. Throws UserError.
void write_cameras_json(const std::filesystem::path& file, const std::vector<Camera>& cameras);

}  // namespace lucid::asset
