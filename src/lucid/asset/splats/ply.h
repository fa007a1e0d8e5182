// SPDX-License-Identifier: Apache-2.0
// PLY files of 3D Gaussian Splatting: vertex properties x y z nx ny nz f_dc_* f_rest_* opacity scale_* rot_*, with
// opacity as logit and scales as logarithms.
#pragma once

#include <filesystem>
#include <string_view>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

struct PlyOptions {
  bool pad_to_sh3 = false;  // write zeros up to SH degree 3, which some viewers require
  bool big_endian = false;
};
/// Binary, written atomically. Throws UserError (unwritable, disk full).
void write_ply(const std::filesystem::path& file, const gaussians::Cloud& cloud, const PlyOptions& options = {});

/// Reads any 3DGS PLY: compressed (PlayCanvas), ASCII or binary, properties in any order, extra properties skipped.
/// Counts in the header are checked against the file's size before memory is allocated. Throws UserError, also for NaN
/// and Inf. A zero quaternion is kept; the rasteriser treats it as the identity (math/quaternion.h).
gaussians::Cloud read_ply(const std::filesystem::path& file);

namespace ply {
/// The same for bytes in memory; `file` is for error messages.
gaussians::Cloud decode(const std::filesystem::path& file, std::string_view bytes);
}  // namespace ply

/// Writes coloured points (x y z red green blue), for init_points3d.ply. means [N,3], rgb [N,3] in [0, 1].
void write_points_ply(const std::filesystem::path& file, const torch::Tensor& means, const torch::Tensor& rgb);

}  // namespace lucid::asset
