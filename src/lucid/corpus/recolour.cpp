// SPDX-License-Identifier: Apache-2.0
// Recolouring in OKLab, with a smooth transition by distance from the replaced colour.
#include "lucid/corpus/recolour.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>

namespace lucid::corpus {
namespace {

constexpr float kMovesBelow = 0.09f, kStaysAbove = 0.17f;  // OKLab distances: fully replaced below, unchanged above
constexpr float kLightness = 0.45f;  // weight of lightness in that distance: shades of one colour belong together
constexpr float kGrain = 0.8f;       // share of the lightness variation that is kept

struct Move {
  OkLab from, to;
  float share(const OkLab& c) const {
    const float dl = kLightness * (c.l - from.l), da = c.a - from.a, db = c.b - from.b;
    const float t =
        std::clamp((kStaysAbove - std::sqrt(dl * dl + da * da + db * db)) / (kStaysAbove - kMovesBelow), 0.0f, 1.0f);
    return t * t * (3 - 2 * t);
  }
  Float3 moved(const OkLab& c) const {
    const float l = std::clamp(to.l + kGrain * (c.l - from.l), 0.03f, 0.99f);
    const float chroma = std::clamp(l / to.l, 0.4f, 1.1f);  // darker parts get less chroma
    return srgb_from_oklab({l, chroma * to.a, chroma * to.b});
  }
};

Texture recoloured_texture(const Texture& texture, const Move& move) {
  Texture result = texture;
  for (Texture::Level& level : result.levels) {
    for (size_t i = 0; i < level.rgba.size(); i += 4) {
      uint8_t* texel = level.rgba.data() + i;
      const Float3 old{texel[0] / 255.0f, texel[1] / 255.0f, texel[2] / 255.0f};
      const OkLab ok = oklab_from_srgb(old);
      const float share = move.share(ok);
      if (share <= 0) continue;
      const Float3 fresh = old + share * (move.moved(ok) - old);
      const float channels[3] = {fresh.x, fresh.y, fresh.z};
      for (int c = 0; c < 3; ++c)
        texel[c] = static_cast<uint8_t>(std::lround(255 * std::clamp(channels[c], 0.0f, 1.0f)));
    }
  }
  return result;
}

}  // namespace

Mesh recoloured(const Mesh& mesh, const OkLab& from, const OkLab& to) {
  const Move move{from, to};
  Mesh result = mesh;
  std::map<const Texture*, std::shared_ptr<const Texture>> done;
  for (Material& material : result.materials) {
    if (material.texture != nullptr) {
      auto& texture = done[material.texture.get()];
      if (texture == nullptr) texture = std::make_shared<const Texture>(recoloured_texture(*material.texture, move));
      material.texture = texture;
    } else if (const OkLab ok = oklab_from_srgb(material.colour); move.share(ok) >= 0.5f) {
      material.colour = move.moved(ok);
    }
  }
  return result;
}

OkLab colour_near(const std::string& word, Rng& rng) {
  const OkLab typical = oklab_from_srgb(typical_colour(word));
  for (int attempt = 0; attempt < 8; ++attempt) {
    const double l = typical.l + rng.uniform(-0.05, 0.05), turn = rng.uniform(-8, 8) * std::numbers::pi / 180;
    const double chroma = rng.uniform(0.85, 1.1), c = chroma * std::cos(turn), s = chroma * std::sin(turn);
    const OkLab colour{static_cast<float>(std::min(l, 0.98)), static_cast<float>(c * typical.a - s * typical.b),
                       static_cast<float>(s * typical.a + c * typical.b)};
    const int named = colour_word_of(srgb_from_oklab(colour));
    if (named >= 0 && colour_words()[static_cast<size_t>(named)] == word) return colour;
  }
  return typical;
}

}  // namespace lucid::corpus
