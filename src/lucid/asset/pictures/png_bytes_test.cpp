// SPDX-License-Identifier: Apache-2.0
// Tests of PNG encoding in memory; stb_image decodes, which shares no code with libpng.
#include "lucid/asset/pictures/png_bytes.h"

#include <gtest/gtest.h>
#include <stb/stb_image.h>

#include <cstring>
#include <memory>
#include <tuple>
#include <vector>

namespace lucid::asset {
namespace {

TEST(PngBytes, AnotherDecoderGetsEveryByteBack) {
  for (const int channels : {1, 3, 4}) {
    for (const auto& [width, height] : {std::pair(1, 1), std::pair(7, 5), std::pair(64, 33)}) {
      std::vector<uint8_t> pixels(static_cast<size_t>(width * height * channels));
      uint32_t state = 1;  // noise, also in alpha: encoding must not premultiply
      for (uint8_t& value : pixels) value = static_cast<uint8_t>((state = state * 1664525U + 1013904223U) >> 24);
      const std::string png = encode_png(pixels.data(), width, height, channels);
      int w = 0, h = 0, c = 0;
      const std::unique_ptr<stbi_uc, void (*)(void*)> decoded(
          stbi_load_from_memory(reinterpret_cast<const stbi_uc*>(png.data()), static_cast<int>(png.size()), &w, &h, &c,
                                0),
          &stbi_image_free);
      ASSERT_NE(decoded, nullptr);
      EXPECT_EQ(std::tuple(w, h, c), std::tuple(width, height, channels));
      EXPECT_EQ(std::memcmp(decoded.get(), pixels.data(), pixels.size()), 0) << channels << " channels";
    }
  }
}

}  // namespace
}  // namespace lucid::asset
