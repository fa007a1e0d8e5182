// SPDX-License-Identifier: Apache-2.0
// Tests of PNG files, contact sheets and colour-mapped images.
#include "lucid/asset/pictures/image.h"

#include <gtest/gtest.h>
#include <png.h>

#include "goldens.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

torch::Tensor random_bytes(int64_t channels, int64_t height, int64_t width) {
  torch::manual_seed(3);
  return torch::randint(0, 256, {channels, height, width}).to(torch::kFloat32) / 255;
}

double largest_difference(const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(Png, EightBitPicturesComeBackExactly) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "deep" / "a.png";
  const torch::Tensor colour = random_bytes(3, 13, 21), grey = random_bytes(1, 7, 5);
  write_png(file, colour);
  EXPECT_TRUE(torch::equal(read_png(file), colour));
  write_png(file, grey);
  EXPECT_TRUE(torch::equal(read_png(file), grey.expand({3, -1, -1})));
  write_png(file, colour.transpose(1, 2).requires_grad_());  // neither contiguous nor detached
  EXPECT_TRUE(torch::equal(read_png(file), colour.transpose(1, 2)));
}

TEST(Png, ValuesOutOfRangeAreClampedAndNanIsBlack) {
  const lucid::test::TemporaryFolder folder;
  write_png(folder.path / "a.png", torch::tensor({-1.0f, 0.5f, 2.0f, NAN}).view({1, 2, 2}));
  const torch::Tensor back = read_png(folder.path / "a.png")[0].flatten() * 255;
  EXPECT_TRUE(torch::equal(back.round(), torch::tensor({0.0f, 128.0f, 255.0f, 0.0f})));
}

TEST(Png, StraightAlphaIsWritten) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "rgba.png";
  const torch::Tensor colours = random_bytes(4, 9, 11);
  write_png(file, colours);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&image, file.c_str()), 0);
  EXPECT_EQ(image.format & PNG_FORMAT_FLAG_ALPHA, PNG_FORMAT_FLAG_ALPHA);
  image.format = PNG_FORMAT_RGBA;
  const torch::Tensor bytes = torch::empty({9, 11, 4}, torch::kUInt8);
  ASSERT_NE(png_image_finish_read(&image, nullptr, bytes.data_ptr<uint8_t>(), 0, nullptr), 0);
  EXPECT_LT(largest_difference(bytes.permute({2, 0, 1}).to(torch::kFloat32) / 255, colours), 1e-6);
}

/// Writes PNG formats that write_png() does not write, with libpng.
void write_raw(const std::filesystem::path& file, uint32_t format, uint32_t width, uint32_t height, const void* pixels,
               const void* palette = nullptr, uint32_t colours = 0) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = format;
  image.colormap_entries = colours;
  ASSERT_NE(png_image_write_to_file(&image, file.c_str(), 0, pixels, 0, palette), 0) << image.message;
}

TEST(Png, ReadsAlphaAndPalettes) {
  const lucid::test::TemporaryFolder folder;
  const uint8_t rgba[] = {255, 0, 0, 255, 0, 255, 0, 0};  // opaque red, transparent green
  write_raw(folder.path / "rgba.png", PNG_FORMAT_RGBA, 2, 1, rgba);
  const torch::Tensor over_white = read_png(folder.path / "rgba.png");
  EXPECT_TRUE(torch::equal(over_white.flatten(), torch::tensor({1.0f, 1.0f, 0.0f, 1.0f, 0.0f, 1.0f})));

  const uint8_t palette[] = {10, 20, 30, 200, 100, 50}, indices[] = {1, 0, 1};
  write_raw(folder.path / "palette.png", PNG_FORMAT_RGB_COLORMAP, 3, 1, indices, palette, 2);
  const torch::Tensor back = read_png(folder.path / "palette.png") * 255;
  EXPECT_LT(largest_difference(back[0][0], torch::tensor({200.0f, 10.0f, 200.0f})), 1e-4);
  EXPECT_LT(largest_difference(back[2][0], torch::tensor({50.0f, 30.0f, 50.0f})), 1e-4);
}

TEST(Png, HostileFilesAreTheUsersMistake) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "bad.png";
  write_png(file, random_bytes(3, 40, 40));
  const std::string good = read_file(file);
  for (size_t length = 0; length + 16 < good.size(); length += 97) {  // the last 16 bytes belong to IEND
    write_file(file, good.substr(0, length));
    EXPECT_THROW(read_png(file), UserError) << length;
  }
  for (size_t at = 0; at < 64; ++at) {  // any damage gives an error or an image, but no crash
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    write_file(file, bytes);
    try {
      EXPECT_EQ(read_png(file).dim(), 3);
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, file.string());
    }
  }
  write_file(file, "not a png");
  EXPECT_THROW(read_png(file), UserError);
  EXPECT_THROW(read_png(folder.path / "none.png"), UserError);
  EXPECT_THROW(read_png(folder.path), UserError);
}

TEST(Png, AHugeClaimIsRefusedBeforeMemoryIsTaken) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "huge.png";
  write_png(file, random_bytes(3, 4, 4));
  std::string bytes = read_file(file);
  const size_t ihdr = 8 + 4;  // type and data of the first chunk, which its CRC covers
  bytes.replace(ihdr + 4, 8, std::string("\x00\x0f\x00\x00\x00\x0f\x00\x00", 8));  // 983040 x 983040
  uint32_t crc = 0xFFFFFFFFu;                                                      // CRC-32, so that the chunk is valid
  for (size_t i = ihdr; i < ihdr + 17; ++i) {
    crc ^= static_cast<uint8_t>(bytes[i]);
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1u) != 0 ? (crc >> 1) ^ 0xEDB88320u : crc >> 1;
  }
  crc = ~crc;
  for (size_t i = 0; i < 4; ++i) bytes[ihdr + 17 + i] = static_cast<char>(crc >> (24 - 8 * i));
  write_file(file, bytes);
  try {
    read_png(file);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("983040 x 983040"), std::string::npos) << error.what();
  }
}

TEST(Png, AFullDiskLeavesTheOldFileAndNothingElse) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "a.png";
  const torch::Tensor small = random_bytes(3, 4, 4);
  write_png(file, small);
  {
    const test::SmallDisk disk(4096);
    EXPECT_THROW(write_png(file, random_bytes(3, 64, 64)), UserError);
  }
  EXPECT_TRUE(torch::equal(read_png(file), small));
  EXPECT_EQ(test::files_in(folder.path), 1u);
  EXPECT_THROW(write_png("/proc/lucid/a.png", small), UserError);
}

TEST(ContactSheet, PlacesPicturesWithWhiteGaps) {
  const torch::Tensor black = torch::zeros({3, 4, 5}), grey = torch::full({3, 4, 5}, 0.5f);
  const torch::Tensor sheet = contact_sheet({{black, grey}, {grey}}, 2);
  ASSERT_EQ(sheet.sizes(), torch::IntArrayRef({3, 10, 12}));
  EXPECT_TRUE(torch::equal(sheet.narrow(1, 0, 4).narrow(2, 0, 5), black));
  EXPECT_TRUE(torch::equal(sheet.narrow(1, 0, 4).narrow(2, 7, 5), grey));
  EXPECT_TRUE(torch::equal(sheet.narrow(1, 6, 4).narrow(2, 0, 5), grey));
  EXPECT_EQ(sheet.narrow(1, 4, 2).min().item<float>(), 1.0f);
  EXPECT_EQ(sheet.narrow(2, 5, 2).min().item<float>(), 1.0f);
  EXPECT_EQ(sheet.narrow(1, 6, 4).narrow(2, 7, 5).min().item<float>(), 1.0f);  // an empty cell
}

TEST(ContactSheet, FillsGapsWithAColourOrNothing) {
  const torch::Tensor red = torch::tensor({1.0f, 0.0f, 0.0f}), picture = torch::zeros({3, 4, 5});
  const torch::Tensor sheet = contact_sheet({{picture, picture}}, 2, red);
  EXPECT_TRUE(torch::equal(sheet.select(2, 5).select(1, 0), red));
  const torch::Tensor clear = contact_sheet({{torch::ones({4, 4, 5})}, {torch::ones({4, 4, 5})}}, 1, torch::zeros({4}));
  ASSERT_EQ(clear.sizes(), torch::IntArrayRef({4, 9, 5}));
  EXPECT_EQ(clear.select(1, 4).max().item<float>(), 0.0f);
  EXPECT_EQ(clear.select(1, 5).min().item<float>(), 1.0f);
}

TEST(ColourMap, LightnessRisesEvenlyFromDarkBlueToYellow) {
  const torch::Tensor map = colour_map(torch::linspace(0, 1, 257).view({1, 1, 257}));
  ASSERT_EQ(map.sizes(), torch::IntArrayRef({3, 1, 257}));
  EXPECT_GE(map.min().item<float>(), 0.0f);
  EXPECT_LE(map.max().item<float>(), 1.0f);
  const torch::Tensor linear =
      torch::where(map <= 0.04045, map / 12.92, torch::pow((map + 0.055) / 1.055, 2.4)).squeeze(1);
  const torch::Tensor y = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  const torch::Tensor lightness =  // CIE L*
      torch::where(y > 0.008856, 116 * torch::pow(y, 1.0 / 3) - 16, 903.3 * y);
  const torch::Tensor steps = lightness.slice(0, 1) - lightness.slice(0, 0, 256);
  const double mean = steps.mean().item<double>();
  EXPECT_GT(steps.min().item<double>(), 0.7 * mean);
  EXPECT_LT(steps.max().item<double>(), 1.4 * mean);
  EXPECT_GT(map[2][0][0].item<float>(), 3 * map[0][0][0].item<float>());      // blue
  EXPECT_GT(map[0][0][256].item<float>(), 2 * map[2][0][256].item<float>());  // yellow
  const torch::Tensor wild = colour_map(torch::tensor({-3.0f, 7.0f, NAN}).view({1, 1, 3}));
  EXPECT_LT(largest_difference(wild.select(2, 1), map.select(2, 256)), 1e-6);
  EXPECT_LT(largest_difference(wild.select(2, 2), map.select(2, 0)), 1e-6);
}

TEST(DepthPicture, NearIsBrightAndEmptyIsWhite) {
  // Columns: near, far, near at half alpha (depth is a sum of w z), empty.
  const torch::Tensor alpha = torch::tensor({1.0f, 1.0f, 0.6f, 0.0f}).view({1, 1, 4});
  const torch::Tensor depth = torch::tensor({2.0f, 4.0f, 1.2f, 0.0f}).view({1, 1, 4});
  const torch::Tensor picture = depth_image(depth, alpha).squeeze(1);  // [3,4]
  const torch::Tensor ends = colour_map(torch::tensor({1.0f, 0.0f}).view({1, 1, 2})).squeeze(1);
  EXPECT_LT(largest_difference(picture.select(1, 0), ends.select(1, 0)), 1e-5);
  EXPECT_LT(largest_difference(picture.select(1, 1), ends.select(1, 1)), 1e-5);
  EXPECT_LT(largest_difference(picture.select(1, 2), 0.6 * ends.select(1, 0) + 0.4), 1e-5);
  EXPECT_EQ(picture.select(1, 3).min().item<float>(), 1.0f);
  EXPECT_EQ(depth_image(torch::zeros({1, 3, 3}), torch::zeros({1, 3, 3})).min().item<float>(), 1.0f);
}

TEST(DepthPicture, AGivenRangeHoldsAndValuesOutsideAreCut) {
  const torch::Tensor alpha = torch::ones({1, 1, 4}), depth = torch::tensor({1.0f, 3.0f, 4.0f, 9.0f}).view({1, 1, 4});
  const torch::Tensor colours = depth_colours(depth, alpha, DepthRange{.near = 2, .far = 4}).squeeze(1);
  const torch::Tensor wanted = colour_map(torch::tensor({1.0f, 0.5f, 0.0f, 0.0f}).view({1, 1, 4})).squeeze(1);
  EXPECT_LT(largest_difference(colours, wanted), 1e-5);
  const std::optional<DepthRange> range = visible_range(depth * 0.4, alpha * 0.4);  // nothing is solid
  ASSERT_TRUE(range.has_value());
  EXPECT_NEAR(range->near, 1, 1e-5);
  EXPECT_NEAR(range->far, 9, 1e-5);
  EXPECT_FALSE(visible_range(depth * 0, alpha * 0).has_value());
  const torch::Tensor floater = torch::tensor({1.0f, 0.2f, 1.0f, 0.2f}).view({1, 1, 4});  // faint at z = 3 and 9
  EXPECT_NEAR(visible_range(depth * floater, floater)->far, 4, 1e-5);
}

TEST(LatentsPicture, IsAFixedProjectionForAnyNumberOfChannels) {
  torch::manual_seed(5);
  for (const int64_t channels : {1, 2, 3, 4, 16}) {
    const torch::Tensor picture = latents_image(torch::randn({channels, 6, 7}));
    ASSERT_EQ(picture.sizes(), torch::IntArrayRef({3, 6, 7}));
    for (int k = 0; k < 3; ++k) {  // each channel is scaled to the whole range
      EXPECT_EQ(picture[k].min().item<float>(), 0.0f) << channels;
      EXPECT_EQ(picture[k].max().item<float>(), 1.0f) << channels;
    }
  }
  EXPECT_EQ(largest_difference(latents_image(torch::zeros({4, 2, 2})), torch::full({3, 2, 2}, 0.5f)), 0);
  // The directions are orthogonal: a change along the first does not appear in the other two.
  torch::Tensor x = torch::zeros({4, 1, 2});
  x.select(2, 1).fill_(1);
  const torch::Tensor picture = latents_image(torch::cat({x, torch::randn({4, 1, 1})}, 2));
  EXPECT_GT((picture[0][0][0] - picture[0][0][1]).abs().item<float>(), 0.1f);
  EXPECT_LT((picture[1][0][0] - picture[1][0][1]).abs().item<float>(), 1e-5f);
  EXPECT_LT((picture[2][0][0] - picture[2][0][1]).abs().item<float>(), 1e-5f);
}

TEST(ResizeNearest, RepeatsPixels) {
  const torch::Tensor x = torch::arange(4, torch::kFloat32).view({1, 2, 2});
  const torch::Tensor big = resize_nearest(x, 4, 6);
  ASSERT_EQ(big.sizes(), torch::IntArrayRef({1, 4, 6}));
  EXPECT_TRUE(torch::equal(big[0][1], torch::tensor({0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 1.0f})));
  EXPECT_TRUE(torch::equal(resize_nearest(big, 2, 2), x));
}

}  // namespace
}  // namespace lucid::asset
