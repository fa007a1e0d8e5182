// SPDX-License-Identifier: Apache-2.0
// The formats of animations: name, extension and limits. No libtorch: the command line reads it.
#pragma once

#include <algorithm>
#include <array>
#include <filesystem>
#include <string_view>

#include "lucid/asset/formats.h"

namespace lucid::asset {

enum class AnimationFormat { kMp4, kWebm, kGif, kWebp };

struct AnimationRow {
  AnimationFormat format;
  std::string_view extension;
  bool transparent;  // the format has transparent pixels
  int most_pixels;   // limit of width and of height
  int most_fps;
};

// Browsers slow a GIF down that asks for more than 50 frames a second: its delays count hundredths of a second, and a
// delay of 1 is taken for 10. WebP counts milliseconds.
inline constexpr std::array<AnimationRow, 4> kAnimationFormats = {{
    {AnimationFormat::kMp4, ".mp4", false, 16384, 1000},
    {AnimationFormat::kWebm, ".webm", true, 16384, 1000},
    {AnimationFormat::kGif, ".gif", true, 65535, 50},
    {AnimationFormat::kWebp, ".webp", true, 16383, 1000},
}};

/// The row whose extension the file name has, in any case; nullptr = none.
inline const AnimationRow* animation_of(const std::filesystem::path& file) {
  const auto row = std::ranges::find(kAnimationFormats, lower_extension(file), &AnimationRow::extension);
  return row == kAnimationFormats.end() ? nullptr : &*row;
}

}  // namespace lucid::asset
