// SPDX-License-Identifier: Apache-2.0
// make_texture(): builds the mip levels of a texture, and detects cut-out textures.
#include <algorithm>

#include "lucid/base/error.h"
#include "lucid/corpus/mesh.h"

namespace lucid::corpus {
namespace {

constexpr uint8_t kHoleAlpha = 64;    // a texel of lower alpha is a hole
constexpr double kHoleShare = 0.002;  // a texture with a larger share of holes is a cut-out; fewer are taken as noise

Texture::Level half_of(const Texture::Level& level) {
  Texture::Level half{.width = std::max(1, level.width / 2), .height = std::max(1, level.height / 2), .rgba = {}};
  half.rgba.resize(size_t{4} * half.width * half.height);
  for (int y = 0; y < half.height; ++y) {
    for (int x = 0; x < half.width; ++x) {
      // Average colours weighted by alpha, so that the hidden colour of holes does not bleed into their border.
      unsigned sum[3] = {}, plain[3] = {}, weight = 0;
      for (int dy = 0; dy < 2; ++dy) {
        for (int dx = 0; dx < 2; ++dx) {
          const int sx = std::min(2 * x + dx, level.width - 1), sy = std::min(2 * y + dy, level.height - 1);
          const uint8_t* texel = level.rgba.data() + size_t{4} * (size_t(sy) * level.width + sx);
          weight += texel[3];
          for (int c = 0; c < 3; ++c) {
            sum[c] += unsigned{texel[c]} * texel[3];
            plain[c] += texel[c];
          }
        }
      }
      uint8_t* out = half.rgba.data() + size_t{4} * (size_t(y) * half.width + x);
      for (int c = 0; c < 3; ++c) {
        out[c] = static_cast<uint8_t>(weight > 0 ? (sum[c] + weight / 2) / weight : (plain[c] + 2) / 4);
      }
      out[3] = static_cast<uint8_t>((weight + 2) / 4);
    }
  }
  return half;
}

}  // namespace

Texture make_texture(int width, int height, std::vector<uint8_t> rgba) {
  LUCID_CHECK(width > 0 && height > 0 && rgba.size() == size_t{4} * width * height, "texture {} x {}", width, height);
  Texture texture;
  size_t holes = 0;
  for (size_t i = 3; i < rgba.size(); i += 4) holes += rgba[i] < kHoleAlpha;
  texture.cut_out = static_cast<double>(holes) > kHoleShare * width * height;
  texture.levels.push_back({.width = width, .height = height, .rgba = std::move(rgba)});
  while (texture.levels.back().width > 1 || texture.levels.back().height > 1) {
    texture.levels.push_back(half_of(texture.levels.back()));
  }
  return texture;
}

}  // namespace lucid::corpus
