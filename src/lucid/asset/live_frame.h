// SPDX-License-Identifier: Apache-2.0
// A cloud as one frame for a live viewer: a header of 32 bytes, then 16 bytes a Gaussian in the layout of Spark's
// PackedSplats (colour, opacity, centre as halves, scales, orientation). SH degree 0 only.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "lucid/gaussians/cloud.h"

namespace lucid::asset {

/// All fields little endian.
struct LiveFrameHeader {
  char magic[4] = {'L', 'S', 'P', 'L'};
  uint32_t version = 1;
  uint32_t number = 0;  // counts the frames of a run from 0
  uint32_t step = 0;    // finished steps
  uint32_t steps = 0;   // of the whole run
  uint32_t count = 0;   // Gaussians that follow
  uint32_t reserved[2] = {0, 0};
};
static_assert(sizeof(LiveFrameHeader) == 32);

/// Bytes of one frame, in lucid's axes. `header.count` is filled in.
std::string live_frame(const gaussians::Cloud& cloud, LiveFrameHeader header);

bool is_live_frame(std::string_view bytes);
/// The Gaussians of a frame, SH degree 0. Throws UserError: cut short, another version, none, an infinite position.
gaussians::Cloud cloud_of_live_frame(const std::filesystem::path& file, std::string_view bytes);

}  // namespace lucid::asset
