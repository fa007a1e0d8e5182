// SPDX-License-Identifier: Apache-2.0
// GIF89a files: LZW, one palette for all frames, an endless loop.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lucid/asset/pictures/palette.h"

namespace lucid::asset {

class GifEncoder {
 public:
  /// Size in pixels, in [1, 65535]; `fps` frames a second, in [1, 50]. With `transparent` each frame replaces the one
  /// before it; otherwise a frame holds the rectangle that changed.
  GifEncoder(int width, int height, int fps, const std::vector<Palette::Colour>& palette, bool transparent);
  /// A frame [height,width] of palette indices or Palette::kTransparent.
  void add(const std::vector<uint8_t>& indices);
  /// The bytes of the whole file.
  std::string finish();

 private:
  int width_, height_, fps_;
  bool transparent_;
  int64_t frames_ = 0;
  std::vector<uint8_t> last_;  // [height,width] the frame before
  std::string bytes_;
};

}  // namespace lucid::asset
