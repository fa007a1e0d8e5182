// SPDX-License-Identifier: Apache-2.0
// A cloud as one frame for a live viewer: a header of 32 bytes, then 16 bytes a Gaussian in the layout of Spark's
// PackedSplats (colour, opacity, centre as halves, scales, orientation). SH degree 0 only.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "lucid/asset/live_frame_header.h"
#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

/// Bytes of one frame, in lucid's axes. `header.count` is filled in.
std::string live_frame(const gaussians::Cloud& cloud, LiveFrameHeader header);

/// The Gaussians of a frame, SH degree 0. Throws UserError: cut short, another version, none, an infinite position.
gaussians::Cloud cloud_of_live_frame(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset
