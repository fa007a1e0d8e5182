// SPDX-License-Identifier: Apache-2.0
// Compressed PLY files of PlayCanvas (.compressed.ply): 16 bytes a Gaussian, relative to the bounds of its chunk of
// 256 Gaussians, and one byte for each SH coefficient.
#pragma once

#include "lucid/asset/splats/ply_header.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::asset::ply {

/// Whether the vertices have the property packed_position.
bool is_compressed(const Header& header);

/// Reads the body. Throws UserError, also for NaN and Inf.
gaussians::Cloud decode_compressed(const std::filesystem::path& file, std::string_view bytes, const Header& header);

}  // namespace lucid::asset::ply
