// SPDX-License-Identifier: Apache-2.0
// A palette of at most 255 colours and one transparent index for a GIF, and dithering to it.
#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace lucid::asset {

class Palette {
 public:
  using Colour = std::array<uint8_t, 3>;
  static constexpr int kMostColours = 255, kTransparent = 255;

  /// Adds pixels of a sample frame [count,channels], 8 bits a channel; channels: 3, or 4 with alpha. Transparent pixels
  /// (alpha below 128) do not count.
  void add_sample(const uint8_t* pixels, int64_t count, int channels);
  /// Chooses the colours: the box with the largest squared error is cut at its mean until there are kMostColours
  /// (median cut, Heckbert 1982), then k-means. A colour that makes up most of its cluster is kept exactly. At most
  /// kMostColours different colours in the samples are all kept.
  void build();
  /// Palette index of each pixel of a frame [height,width,channels] -> [height,width]; kTransparent where alpha is
  /// below 128. Errors are diffused (Floyd and Steinberg 1976). A pixel whose exact colour is in the palette gets it
  /// and passes no error on, so that a flat background stays flat.
  std::vector<uint8_t> dither(const uint8_t* pixels, int width, int height, int channels);

  const std::vector<Colour>& colours() const { return colours_; }

 private:
  uint8_t nearest(const std::array<int, 3>& colour);  // 0 to 255 a channel

  std::vector<uint32_t> samples_;                // 0xRRGGBB
  std::vector<Colour> colours_;                  // [<= kMostColours]
  std::unordered_map<uint32_t, uint8_t> exact_;  // 0xRRGGBB -> index
  std::vector<int16_t> nearest_;                 // [2^18] index of a cell of 4 x 4 x 4 colours; -1 = not looked up yet
};

}  // namespace lucid::asset
