// SPDX-License-Identifier: Apache-2.0
// The 3D Gaussian Splatting PLY: x y z nx ny nz f_dc_* f_rest_* opacity scale_* rot_*, raw logits and logs.
#pragma once

#include <filesystem>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

struct PlyOptions {
  bool pad_to_sh3 = false;  // some viewers insist on f_rest of degree 3
};
/// Binary little endian, written atomically. Throws UserError (unwritable, disk full).
void write_ply(const std::filesystem::path& file, const gaussians::Cloud& cloud, const PlyOptions& options = {});

/// Any 3DGS PLY: properties in any order, extra ones skipped, ascii or binary. The header is not believed: counts are
/// checked against the file's size before anything is allocated; NaN and Inf are refused. Throws UserError.
/// A zero quaternion is kept: renderers here take it for no rotation (math/quaternion.h), and writing gives it back.
gaussians::Cloud read_ply(const std::filesystem::path& file);

/// Plain coloured points (x y z red green blue), for init_points3d.ply. means [N,3], rgb [N,3] in 0..1.
void write_points_ply(const std::filesystem::path& file, const torch::Tensor& means, const torch::Tensor& rgb);

}  // namespace lucid::asset
