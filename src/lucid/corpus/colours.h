// SPDX-License-Identifier: Apache-2.0
// Colour naming: the 11 basic colour words, which word a colour is called by, and the dominant colour of an object.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "lucid/math/vec.h"

namespace lucid::corpus {

/// A colour in OKLab (Ottosson 2020): lightness l and two opponent axes a, b; perceptually uniform.
struct OkLab {
  float l = 0, a = 0, b = 0;
};
OkLab oklab_from_srgb(const Vec3<float>& rgb);     // rgb in 0..1
Vec3<float> srgb_from_oklab(const OkLab& colour);  // clamped to 0..1

/// red orange yellow green blue purple pink brown black white grey.
const std::vector<std::string>& colour_words();

/// Index into colour_words() for an sRGB colour in 0..1, or -1 for colours that people name differently (beige, teal).
int colour_word_of(const Vec3<float>& rgb);

/// A typical colour of the word. sRGB, 0..1.
Vec3<float> typical_colour(const std::string& word);

/// Histogram of an object's pixels over the colour words, with one more entry for pixels without a word.
struct ColourShares {
  std::vector<double> share;  // fraction of the pixels
  std::vector<OkLab> mean;    // mean colour of those pixels
  int largest = -1;           // index of the largest share; -1 = no solid pixel
  std::string dominant;       // its word, or "" if no colour dominates
};

/// Measures pictures rendered under flat light: rgb [n,3,S,S] over white, alpha [n,S,S], planar; n = views. Only solid
/// pixels (alpha near 1) count.
ColourShares measure_colours(const std::vector<uint8_t>& rgb, const std::vector<uint8_t>& alpha, int64_t views);

}  // namespace lucid::corpus
