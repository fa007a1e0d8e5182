// SPDX-License-Identifier: Apache-2.0
// PNG encoding in memory, of plain 8-bit pixels: for files and for images inside other files.
#pragma once

#include <cstdint>
#include <string>

namespace lucid::asset {

/// Encodes `pixels` [height,width,channels], rows from the top, as a PNG. The values are sRGB; channels: 1 (grey),
/// 3 (RGB) or 4 (RGB and alpha, not premultiplied). Lossless.
std::string encode_png(const uint8_t* pixels, int width, int height, int channels);

}  // namespace lucid::asset
