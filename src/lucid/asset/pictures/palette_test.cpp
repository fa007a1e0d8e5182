// SPDX-License-Identifier: Apache-2.0
// Tests of palettes, dithering and GIF coding. ffmpeg decodes the GIFs.
#include "lucid/asset/pictures/palette.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "goldens.h"
#include "lucid/asset/pictures/gif.h"
#include "lucid/asset/pictures/test_decode.h"
#include "lucid/base/atomic_file.h"

namespace lucid::asset {
namespace {

constexpr int kSide = 64;

/// Pixels [kSide,kSide,3] whose red grows to the right, green downwards, blue along the diagonal.
std::vector<uint8_t> gradient() {
  std::vector<uint8_t> pixels;
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide; ++x) {
      for (const int value : {x * 4, y * 4, (x + y) * 2}) pixels.push_back(static_cast<uint8_t>(value));
    }
  }
  return pixels;
}

Palette palette_of(const std::vector<uint8_t>& pixels, int channels) {
  Palette palette;
  palette.add_sample(pixels.data(), static_cast<int64_t>(pixels.size()) / channels, channels);
  palette.build();
  return palette;
}

TEST(Palette, FewColoursAreKeptExactly) {
  std::vector<uint8_t> pixels;
  for (int i = 0; i < Palette::kMostColours; ++i) {
    const int times = 1 + i % 7;
    for (int k = 0; k < times; ++k) {
      for (const int value : {i, 255 - i, i * 37 % 256}) pixels.push_back(static_cast<uint8_t>(value));
    }
  }
  Palette palette = palette_of(pixels, 3);
  EXPECT_EQ(palette.colours().size(), size_t{Palette::kMostColours});
  const auto count = static_cast<int>(pixels.size() / 3);
  const std::vector<uint8_t> indices = palette.dither(pixels.data(), count, 1, 3);
  for (size_t i = 0; i < indices.size(); ++i) {
    for (size_t c = 0; c < 3; ++c) ASSERT_EQ(palette.colours()[indices[i]][c], pixels[3 * i + c]) << i;
  }
}

TEST(Palette, DitheringKeepsTheMeanOfEveryRegion) {
  std::vector<uint8_t> corners;  // the eight corners of the cube of colours: errors are as large as they can be
  for (int i = 0; i < 8; ++i) {
    for (int c = 0; c < 3; ++c) corners.push_back((i >> c & 1) != 0 ? 255 : 0);
  }
  Palette palette = palette_of(corners, 3);
  ASSERT_EQ(palette.colours().size(), 8u);
  const std::vector<uint8_t> pixels = gradient();
  const std::vector<uint8_t> indices = palette.dither(pixels.data(), kSide, kSide, 3);
  constexpr int kBlock = 16;
  for (int y = 0; y < kSide; y += kBlock) {
    for (int x = 0; x < kSide; x += kBlock) {
      std::array<double, 3> before{}, after{};
      for (int k = 0; k < kBlock * kBlock; ++k) {
        const size_t at = static_cast<size_t>((y + k / kBlock) * kSide + x + k % kBlock);
        for (size_t c = 0; c < 3; ++c) {
          before[c] += pixels[3 * at + c];
          after[c] += palette.colours()[indices[at]][c];
        }
      }
      for (size_t c = 0; c < 3; ++c)
        EXPECT_NEAR(after[c] / (kBlock * kBlock), before[c] / (kBlock * kBlock), 8) << x << " " << y << " " << c;
    }
  }
}

TEST(Palette, SmoothColoursStayCloseWithoutDithering) {
  const std::vector<uint8_t> pixels = gradient();
  Palette palette = palette_of(pixels, 3);
  EXPECT_EQ(palette.colours().size(), size_t{Palette::kMostColours});
  double worst = 0;
  for (size_t i = 0; i < pixels.size(); i += 3) {
    double least = 1e9;
    for (const Palette::Colour& colour : palette.colours()) {
      double sum = 0;
      for (size_t c = 0; c < 3; ++c) sum += std::pow(double(pixels[i + c]) - double(colour[c]), 2);
      least = std::min(least, std::sqrt(sum));
    }
    worst = std::max(worst, least);
  }
  EXPECT_LT(worst, 20) << "255 colours in a square of side 255 are 16 apart";
}

TEST(Palette, AFlatBackgroundStaysFlatBesideDitheredPixels) {
  std::vector<uint8_t> pixels = gradient();
  constexpr std::array<uint8_t, 3> kBackground = {253, 254, 251};
  for (int y = 0; y < kSide; ++y) {
    for (int x = 0; x < kSide / 2; ++x) {
      for (size_t c = 0; c < 3; ++c) pixels[static_cast<size_t>((y * kSide + x) * 3) + c] = kBackground[c];
    }
  }
  std::vector<uint8_t> samples;
  for (int i = 0; i < 2000; ++i) samples.insert(samples.end(), kBackground.begin(), kBackground.end());
  std::mt19937 random(3);  // as many other colours as a real picture has, so that the background gets no second box
  for (int i = 0; i < 3 * 20000; ++i) samples.push_back(static_cast<uint8_t>(random() % 240));
  for (int i = 0; i < 1500; ++i) {  // faint edges, whose colours are next to the background's
    for (const uint8_t value : kBackground) samples.push_back(static_cast<uint8_t>(value - 2));
  }
  for (Palette palette : {palette_of(pixels, 3), palette_of(samples, 3)}) {
    const std::vector<uint8_t> indices = palette.dither(pixels.data(), kSide, kSide, 3);
    for (int y = 0; y < kSide; ++y) {
      for (int x = 0; x < kSide / 2; ++x)
        ASSERT_EQ(palette.colours()[indices[static_cast<size_t>(y * kSide + x)]], kBackground) << x << " " << y;
    }
  }
}

TEST(Palette, AlphaIsCutAtOneHalf) {
  const std::vector<uint8_t> pixels = {10, 20, 30, 255, 90, 80, 70, 127, 10, 20, 30, 128};
  Palette palette = palette_of(pixels, 4);
  EXPECT_EQ(palette.colours().size(), 1u) << "transparent pixels do not count";
  EXPECT_EQ(palette.dither(pixels.data(), 3, 1, 4), (std::vector<uint8_t>{0, Palette::kTransparent, 0}));
  Palette none = palette_of({1, 2, 3, 0}, 4);
  EXPECT_EQ(none.dither(pixels.data(), 3, 1, 4).front(), 0);
}

/// Frames of indices as a GIF, and back by ffmpeg; each must show exactly the palette's colours.
void expect_gif_round_trip(const std::vector<std::vector<uint8_t>>& frames, int width, int height, bool transparent) {
  std::vector<Palette::Colour> colours;
  for (int k = 0; k < Palette::kMostColours; ++k)
    colours.push_back({static_cast<uint8_t>(k), static_cast<uint8_t>(k * 7), static_cast<uint8_t>(255 - k)});
  GifEncoder gif(width, height, 25, colours, transparent);
  for (const std::vector<uint8_t>& frame : frames) gif.add(frame);
  const lucid::test::TemporaryFolder folder;
  write_file(folder.path / "a.gif", gif.finish());
  const std::vector<torch::Tensor> back = test::decoded(folder.path / "a.gif", width, height);
  ASSERT_EQ(back.size(), frames.size());
  for (size_t i = 0; i < frames.size(); ++i) {
    const torch::Tensor bytes = (back[i] * 255).round().to(torch::kUInt8);  // [4,H,W]
    auto pixel = bytes.accessor<uint8_t, 3>();
    for (size_t k = 0; k < frames[i].size(); ++k) {
      const auto y = static_cast<int64_t>(k) / width, x = static_cast<int64_t>(k) % width;
      const bool hole = frames[i][k] == Palette::kTransparent;
      ASSERT_EQ(pixel[3][y][x], hole ? 0 : 255) << "frame " << i << ", pixel " << k;
      for (int64_t c = 0; c < 3 && !hole; ++c)
        ASSERT_EQ(pixel[c][y][x], colours[frames[i][k]][static_cast<size_t>(c)]) << "frame " << i << ", pixel " << k;
    }
  }
}

/// The LZW codes of a GIF's only frame, read to the end code; ffmpeg stops at the last pixel. Empty if they are wrong.
std::vector<uint8_t> lzw_decoded(const std::string& gif) {
  constexpr size_t kHeader = 13 + 3 * 256 + 19 + 8 + 10 + 1;  // to the first block: palette, loop, delay, frame, bits
  std::string codes;
  size_t at = kHeader;
  for (; gif.at(at) != 0; at += 1 + static_cast<uint8_t>(gif[at]))
    codes += gif.substr(at + 1, static_cast<uint8_t>(gif[at]));
  if (gif.substr(at + 1) != ";") return {};
  std::vector<std::vector<uint8_t>> table;
  const auto clear = [&] {
    table.assign(258, {});
    for (size_t k = 0; k < 256; ++k) table[k] = {static_cast<uint8_t>(k)};
  };
  clear();
  std::vector<uint8_t> out, last;
  size_t bit = 0;
  for (size_t width = 9; bit + width <= 8 * codes.size();) {
    size_t code = 0;
    for (size_t k = 0; k < width; ++k, ++bit) code |= size_t{static_cast<uint8_t>(codes[bit / 8]) >> bit % 8 & 1u} << k;
    if (code == 257) return (bit + 7) / 8 == codes.size() ? out : std::vector<uint8_t>{};
    if (code == 256) {
      clear();
      last.clear();
      width = 9;
      continue;
    }
    if (code > table.size() || (code == table.size() && last.empty())) return {};
    std::vector<uint8_t> now = code < table.size() ? table[code] : last;
    if (code == table.size()) now.push_back(last.front());
    if (!last.empty() && table.size() < 4096) {
      table.push_back(last);
      table.back().push_back(now.front());
    }
    out.insert(out.end(), now.begin(), now.end());
    last = std::move(now);
    if (table.size() == size_t{1} << width && width < 12) ++width;
  }
  return {};
}

TEST(Gif, CodesEndWhereDecodersExpectIt) {
  std::mt19937 random(6);
  for (const size_t count :
       {1, 2, 200, 254, 255, 256, 257, 258, 766, 767, 768, 769, 1790, 1792, 3838, 3839, 3840, 9000}) {
    std::vector<uint8_t> indices(count);
    for (uint8_t& index : indices) index = static_cast<uint8_t>(random() % 255);
    GifEncoder gif(static_cast<int>(count), 1, 25, {{1, 2, 3}}, false);
    gif.add(indices);
    EXPECT_TRUE(lzw_decoded(gif.finish()) == indices) << count;
  }
}

TEST(Gif, IndicesComeBackExactly) {
  if (!test::on_path("ffmpeg")) GTEST_SKIP() << "ffmpeg is not on the PATH";
  std::mt19937 random(5);
  const auto noise = [&](size_t count, int colours) {
    std::vector<uint8_t> indices(count);
    for (uint8_t& index : indices) index = static_cast<uint8_t>(random() % static_cast<unsigned>(colours));
    return indices;
  };
  expect_gif_round_trip({{7}}, 1, 1, false);
  expect_gif_round_trip({noise(3, 255)}, 3, 1, false);
  expect_gif_round_trip({std::vector<uint8_t>(200 * 130, 3)}, 200, 130, false);  // long runs
  for (const int colours : {2, 20, 255})  // the table of codes fills up several times
    expect_gif_round_trip({noise(200 * 130, colours), noise(200 * 130, colours)}, 200, 130, false);
}

TEST(Gif, FramesThatChangeInPartsOrNotAtAll) {
  if (!test::on_path("ffmpeg")) GTEST_SKIP() << "ffmpeg is not on the PATH";
  constexpr int kW = 40, kH = 30;
  std::vector<std::vector<uint8_t>> frames(1, std::vector<uint8_t>(kW * kH, 9));
  frames.push_back(frames.back());
  frames.back()[kW * 3 + 30] = frames.back()[kW * 20 + 4] = 77;  // top right and bottom left
  for (const int at : {0, kW - 1, kW * kH - 1, kW * 7 + 5}) {
    frames.push_back(frames.back());
    frames.back()[static_cast<size_t>(at)] = static_cast<uint8_t>(at % 250);
    frames.push_back(frames.back());
  }
  expect_gif_round_trip(frames, kW, kH, false);
  for (size_t i = 0; i < frames.size(); ++i) frames[i][10 + i] = Palette::kTransparent;
  expect_gif_round_trip(frames, kW, kH, true);
}

}  // namespace
}  // namespace lucid::asset
