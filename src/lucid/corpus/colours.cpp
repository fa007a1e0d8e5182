// SPDX-License-Identifier: Apache-2.0
// Colour naming by regions of OKLCh (lightness, chroma, hue); their bounds were tuned by eye on the models.
#include "lucid/corpus/colours.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "lucid/base/error.h"
#include "lucid/math/srgb.h"

namespace lucid::corpus {
namespace {

enum Word { kRed, kOrange, kYellow, kGreen, kBlue, kPurple, kPink, kBrown, kBlack, kWhite, kGrey, kNone = -1 };

constexpr double kMajority = 0.5;    // a colour dominates with this share of the pixels …
constexpr double kPlurality = 0.36;  // … or with this share, if it is at least
constexpr double kTimesSecond = 2;   // … this many times the second largest
constexpr uint8_t kSolidPixel = 250;

int word_of_hue(float l, float chroma, float hue) {
  if (hue < 10 || hue >= 330) return l > 0.55f || hue >= 350 ? (l > 0.42f ? kPink : kRed) : kPurple;
  if (hue < 42) {
    if ((l < 0.5f && chroma < 0.1f) || (hue > 26 && chroma < 0.135f && l < 0.62f)) return kBrown;  // reddish wood
    return l > 0.72f ? kPink : chroma < 0.08f ? kBrown : kRed;
  }
  if (hue < 82) {
    if (chroma >= 0.13f) return l > 0.53f ? kOrange : kBrown;
    return l < 0.76f ? kBrown : kNone;  // beige
  }
  if (hue < 116) {
    if (chroma >= 0.1f && l > 0.66f) return kYellow;
    if (hue < 100 && l < 0.62f) return kBrown;
    return kNone;
  }
  if (hue < 180) return kGreen;
  if (hue < 215) return chroma > 0.05f ? kNone : kGrey;  // teal
  if (hue < 287) return kBlue;
  return kPurple;
}

}  // namespace

OkLab oklab_from_srgb(const Vec3<float>& rgb) {
  const float r = linear_from_srgb(rgb.x), g = linear_from_srgb(rgb.y), b = linear_from_srgb(rgb.z);
  const float l = std::cbrt(0.4122214708f * r + 0.5363325363f * g + 0.0514459929f * b);
  const float m = std::cbrt(0.2119034982f * r + 0.6806995451f * g + 0.1073969566f * b);
  const float s = std::cbrt(0.0883024619f * r + 0.2817188376f * g + 0.6299787005f * b);
  return {0.2104542553f * l + 0.7936177850f * m - 0.0040720468f * s,
          1.9779984951f * l - 2.4285922050f * m + 0.4505937099f * s,
          0.0259040371f * l + 0.7827717662f * m - 0.8086757660f * s};
}

Vec3<float> srgb_from_oklab(const OkLab& colour) {
  const auto cube = [](float v) { return v * v * v; };
  const float l = cube(colour.l + 0.3963377774f * colour.a + 0.2158037573f * colour.b);
  const float m = cube(colour.l - 0.1055613458f * colour.a - 0.0638541728f * colour.b);
  const float s = cube(colour.l - 0.0894841775f * colour.a - 1.2914855480f * colour.b);
  const auto stored = [](float v) { return std::clamp(srgb_from_linear(std::max(v, 0.0f)), 0.0f, 1.0f); };
  return {stored(4.0767416621f * l - 3.3077115913f * m + 0.2309699292f * s),
          stored(-1.2684380046f * l + 2.6097574011f * m - 0.3413193965f * s),
          stored(-0.0041960863f * l - 0.7034186147f * m + 1.7076147010f * s)};
}

const std::vector<std::string>& colour_words() {
  static const std::vector<std::string> words = {"red",  "orange", "yellow", "green", "blue", "purple",
                                                 "pink", "brown",  "black",  "white", "grey"};
  return words;
}

int colour_word_of(const Vec3<float>& rgb) {
  const OkLab ok = oklab_from_srgb(rgb);
  const float chroma = std::hypot(ok.a, ok.b);
  float hue = std::atan2(ok.b, ok.a) * 180 / std::numbers::pi_v<float>;
  if (hue < 0) hue += 360;
  if (ok.l < 0.3f && chroma < 0.06f) return kBlack;
  // Pale colours look white. Between white and grey there is no agreed word.
  if (chroma < (ok.l > 0.8f ? 0.042f : 0.03f)) return ok.l > 0.82f ? kWhite : ok.l > 0.74f ? kNone : kGrey;
  return word_of_hue(ok.l, chroma, hue);
}

Vec3<float> typical_colour(const std::string& word) {
  static const std::array<Vec3<float>, 11> colours = {{{0.78f, 0.10f, 0.12f},
                                                       {0.95f, 0.50f, 0.10f},
                                                       {0.96f, 0.82f, 0.15f},
                                                       {0.16f, 0.58f, 0.22f},
                                                       {0.14f, 0.30f, 0.76f},
                                                       {0.46f, 0.18f, 0.60f},
                                                       {0.96f, 0.54f, 0.72f},
                                                       {0.45f, 0.28f, 0.16f},
                                                       {0.09f, 0.09f, 0.10f},
                                                       {0.95f, 0.95f, 0.95f},
                                                       {0.52f, 0.52f, 0.53f}}};
  const auto found = std::ranges::find(colour_words(), word);
  LUCID_CHECK(found != colour_words().end(), "\"{}\" is no colour word", word);
  return colours[static_cast<size_t>(found - colour_words().begin())];
}

ColourShares measure_colours(const std::vector<uint8_t>& rgb, const std::vector<uint8_t>& alpha, int64_t views) {
  const size_t classes = colour_words().size() + 1;
  LUCID_CHECK(views > 0 && rgb.size() == 3 * alpha.size(), "{} views, {} and {} bytes", views, rgb.size(),
              alpha.size());
  const size_t pixels = alpha.size() / static_cast<size_t>(views);
  ColourShares shares{.share = std::vector<double>(classes), .mean = std::vector<OkLab>(classes), .dominant = ""};
  double counted = 0;
  for (size_t i = 0; i < alpha.size(); ++i) {
    if (alpha[i] < kSolidPixel) continue;
    const uint8_t* at = rgb.data() + 3 * pixels * (i / pixels) + i % pixels;
    const Vec3<float> colour{at[0] / 255.0f, at[pixels] / 255.0f, at[2 * pixels] / 255.0f};
    ++counted;
    const int named = colour_word_of(colour);
    const size_t word = named < 0 ? classes - 1 : static_cast<size_t>(named);
    const OkLab ok = oklab_from_srgb(colour);
    OkLab& mean = shares.mean[word];
    mean = {mean.l + ok.l, mean.a + ok.a, mean.b + ok.b};
    ++shares.share[word];
  }
  double first = 0, second = 0;
  for (size_t word = 0; word < classes; ++word) {
    const double count = shares.share[word];
    if (count == 0) continue;
    const auto scale = static_cast<float>(1 / count);
    shares.mean[word] = {shares.mean[word].l * scale, shares.mean[word].a * scale, shares.mean[word].b * scale};
    shares.share[word] = count / counted;
    if (shares.share[word] > first) {
      second = first;
      first = shares.share[word];
      shares.largest = static_cast<int>(word);
    } else {
      second = std::max(second, shares.share[word]);
    }
  }
  const bool has_word = shares.largest >= 0 && shares.largest < static_cast<int>(classes) - 1;
  if (has_word && (first >= kMajority || (first >= kPlurality && first >= kTimesSecond * second))) {
    shares.dominant = colour_words()[static_cast<size_t>(shares.largest)];
  }
  return shares;
}

}  // namespace lucid::corpus
