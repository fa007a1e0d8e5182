// SPDX-License-Identifier: Apache-2.0
// Animations: frames to an MP4, WebM, GIF or WebP file. The extension chooses the format (animation_format.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <functional>

namespace lucid::asset {

struct Animation {
  int64_t frames = 0;
  int fps = 30;  // frames a second
  /// Draws frame i, in [0, frames): [3,H,W], or [4,H,W] with straight alpha in the last channel; float in [0, 1]. All
  /// frames have one size. A GIF draws some frames twice: its palette comes before its first frame.
  std::function<torch::Tensor(int64_t i)> draw;
  /// Called after each of `frames` frames with how many are done; may be empty.
  std::function<void(int64_t done)> on_frame = {};
};

/// Writes the file, endless where the format can say so (GIF, WebP). Transparent frames need a format that has
/// transparent pixels; a GIF has no half-transparent ones and cuts at alpha 0.5. MP4 and WebM need FFmpeg's libraries
/// (CMake option LUCID_VIDEO); GIF and WebP do not. Throws UserError, and leaves an older file as it was.
void write_animation(const std::filesystem::path& file, const Animation& animation);

}  // namespace lucid::asset
