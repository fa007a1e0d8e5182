// SPDX-License-Identifier: Apache-2.0
// Colour words: what a person would call a colour, and the colours that the words stand for.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lucid/math/vec.h"

namespace lucid::corpus {

/// Lightness and two opponent axes in which equal distances look about equal (Ottosson 2020). Input sRGB, 0..1.
struct OkLab {
  float l = 0, a = 0, b = 0;
};
OkLab oklab_from_srgb(const Vec3<float>& rgb);
Vec3<float> srgb_from_oklab(const OkLab& colour);  // clamped to 0..1

/// red orange yellow green blue purple pink brown black white grey.
const std::vector<std::string>& colour_words();

/// Index into colour_words(), or -1 for what people do not agree on (beige, teal, olive).
int colour_word_of(const Vec3<float>& rgb);

/// A clear example of the word. sRGB, 0..1.
Vec3<float> typical_colour(const std::string& word);

/// What pictures of an object show: of its pixels, the share of each word and their mean colour. The last entry is of
/// those without a word (beige, mostly).
struct ColourShares {
  std::vector<double> share;
  std::vector<OkLab> mean;
  int largest = -1;      // index of the largest share; -1 = nothing was seen
  std::string dominant;  // its word, or "" where none dominates
};

/// rgb [n,3,S,S] over white, alpha [n,S,S], planar, rendered under flat light; only solid pixels count.
ColourShares measure_colours(const std::vector<uint8_t>& rgb, const std::vector<uint8_t>& alpha, int64_t views);

}  // namespace lucid::corpus
