// SPDX-License-Identifier: Apache-2.0
// Captions: the glyphs of stb_easy_font are rectangles on a grid of units. A pixel's value is the area of it that they
// cover.
#include "lucid/asset/pictures/caption.h"

#include <stb_easy_font.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

constexpr size_t kMostLines = 3;
constexpr float kLineUnits = 12, kAboveUnits = 3, kBelowUnits = 5;  // height of a line; space above and below the text

/// Pixels a unit: larger for wider pictures, since sheets are looked at as a whole.
float unit_pixels(int width) {
  constexpr float kLeast = 1.25F, kMost = 5, kGrowth = 11;
  return std::clamp(std::sqrt(static_cast<float>(width)) / kGrowth, kLeast, kMost);
}

/// One '?' for each character that the font does not have; UTF-8 continuation bytes vanish.
std::string printable(const std::string& text) {
  std::string plain;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool continues = (byte & 0xC0U) == 0x80U;
    if (byte == '\t' || byte == '\n') {
      plain += ' ';
    } else if (byte >= 32 && byte < 127) {
      plain += c;
    } else if (!continues) {
      plain += '?';
    }
  }
  return plain;
}

int units(std::string text) { return stb_easy_font_width(text.data()); }

/// The words of a text; a word wider than `most` units is cut.
std::vector<std::string> words_of(const std::string& text, int most) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : text) {
    if (c == ' ') {
      end_word();
      continue;
    }
    if (!word.empty() && units(word + c) > most) end_word();
    word += c;
  }
  end_word();
  return words;
}

struct Stroke {
  float left, top, right, bottom;  // units
};

/// The strokes of a line, whose top left corner is (0, 0).
std::vector<Stroke> strokes(std::string line) {
  struct Vertex {
    float x, y, z;
    std::array<uint8_t, 4> colour;
  };
  constexpr size_t kBytesACharacter = 1200;  // the font's documentation says about 270 on average
  std::vector<std::array<Vertex, 4>> quads(line.size() * kBytesACharacter / sizeof(std::array<Vertex, 4>) + 1);
  const int count = stb_easy_font_print(0, 0, line.data(), nullptr, quads.data(),
                                        static_cast<int>(quads.size() * sizeof(std::array<Vertex, 4>)));
  std::vector<Stroke> rectangles;
  for (size_t i = 0; i < static_cast<size_t>(count); ++i)
    rectangles.push_back({quads[i][0].x, quads[i][0].y, quads[i][2].x, quads[i][2].y});
  return rectangles;
}

/// Adds the area of each pixel that a rectangle, in pixels, covers. coverage [h,w]
void add_coverage(torch::Tensor& coverage, const Stroke& box) {
  auto pixels = coverage.accessor<float, 2>();
  const auto overlap = [](float low, float high, int64_t at) {
    return std::max(0.0F, std::min(high, static_cast<float>(at + 1)) - std::max(low, static_cast<float>(at)));
  };
  const auto last = [](float end, int64_t size) { return std::min(static_cast<int64_t>(std::ceil(end)), size); };
  for (auto y = static_cast<int64_t>(std::max(0.0F, box.top)); y < last(box.bottom, coverage.size(0)); ++y) {
    for (auto x = static_cast<int64_t>(std::max(0.0F, box.left)); x < last(box.right, coverage.size(1)); ++x)
      pixels[y][x] += overlap(box.left, box.right, x) * overlap(box.top, box.bottom, y);
  }
}

}  // namespace

std::vector<std::string> caption_lines(const std::string& text, int width) {
  const int most = std::max(8, static_cast<int>((static_cast<float>(width) - 2) / unit_pixels(width)));
  std::vector<std::string> lines;
  for (const std::string& word : words_of(printable(text), most)) {
    if (!lines.empty() && units(lines.back() + " " + word) <= most) {
      lines.back() += " " + word;
    } else {
      lines.push_back(word);
    }
  }
  if (lines.size() > kMostLines) {
    lines.resize(kMostLines);
    std::string& last = lines.back();
    while (!last.empty() && units(last + "...") > most) last.pop_back();
    last += "...";
  }
  return lines;
}

int caption_height(size_t lines, int width) {
  return static_cast<int>(
      std::ceil((static_cast<float>(lines) * kLineUnits + kAboveUnits + kBelowUnits) * unit_pixels(width)));
}

torch::Tensor caption_band(const std::vector<std::string>& lines, size_t band_lines, int width,
                           const Background& background) {
  LUCID_CHECK(lines.size() <= band_lines && width > 0, "{} lines of {}", lines.size(), band_lines);
  const float scale = unit_pixels(width);
  torch::Tensor coverage = torch::zeros({caption_height(band_lines, width), width});
  for (size_t i = 0; i < lines.size(); ++i) {
    const float left = std::round((static_cast<float>(width) - scale * static_cast<float>(units(lines[i]))) / 2);
    const float top = scale * (kAboveUnits + kLineUnits * static_cast<float>(i));
    for (const Stroke& stroke : strokes(lines[i])) {
      add_coverage(coverage, {left + scale * stroke.left, top + scale * stroke.top, left + scale * stroke.right,
                              top + scale * stroke.bottom});
    }
  }
  coverage = coverage.clamp(0, 1).unsqueeze(0);  // [1,h,w]; strokes may overlap
  if (background.transparent) return torch::cat({torch::zeros({3, coverage.size(1), width}), coverage});
  const torch::Tensor paper = torch::tensor({background.rgb[0], background.rgb[1], background.rgb[2]}).view({3, 1, 1});
  const float lightness = 0.2126F * background.rgb[0] + 0.7152F * background.rgb[1] + 0.0722F * background.rgb[2];
  const float ink = lightness > 0.5F ? 0 : 1;
  return paper * (1 - coverage) + ink * coverage;
}

}  // namespace lucid::asset
