// SPDX-License-Identifier: Apache-2.0
// Tests of compressed PLY files: Gaussians packed by hand, and damaged files.
#include "lucid/asset/splats/ply_compressed.h"

#include <functional>

#include "lucid/asset/splats/ply.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/error.h"
#include "mistakes.h"

namespace lucid::asset {
namespace {

using gaussians::Cloud;

template <class T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

struct Compressed {
  std::vector<std::string> bounds = {"x", "y", "z", "scale_x", "scale_y", "scale_z", "r", "g", "b"};
  std::vector<float> least = {-1, 0, 2, -8, -6, -4, 0, 0.25f, -1}, most = {1, 4, 3, -4, -5, -3, 1, 0.75f, 2};
  uint64_t chunks = 1;
  int rest = 9;
  std::vector<std::array<uint32_t, 4>> vertices;
  std::vector<uint8_t> sh;

  std::string bytes() const {
    std::string text = fmt::format("ply\nformat binary_little_endian 1.0\nelement chunk {}\n", chunks);
    for (const char* side : {"min_", "max_"}) {
      for (const std::string& name : bounds) text += fmt::format("property float {}{}\n", side, name);
    }
    text += fmt::format("element vertex {}\n", vertices.size());
    for (const char* name : {"position", "rotation", "scale", "color"})
      text += fmt::format("property uint packed_{}\n", name);
    if (rest > 0) text += fmt::format("element sh {}\n", sh.size() / std::max(rest, 1));
    for (int i = 0; i < rest; ++i) text += fmt::format("property uchar f_rest_{}\n", i);
    text += "end_header\n";
    for (uint64_t chunk = 0; chunk < chunks; ++chunk) {
      for (size_t i = 0; i < bounds.size(); ++i) put(text, least[i] + static_cast<float>(chunk));
      for (size_t i = 0; i < bounds.size(); ++i) put(text, most[i] + static_cast<float>(chunk));
    }
    for (const auto& vertex : vertices) {
      for (const uint32_t word : vertex) put(text, word);
    }
    text.append(sh.begin(), sh.end());
    return text;
  }
};

/// Two Gaussians: one with all fractions zero, one with known fractions.
Compressed two() {
  Compressed file;
  // x 2047/2047, y 1023/1023, z 0; rotation largest = y (2), then w 1023, x 512, z 0; scale 0, 0, 2047; r 255 g 51 b 0
  // a 204
  file.vertices = {{0, 0, 0, 0}, {0xffffffffu << 11, 2u << 30 | 1023u << 20 | 512u << 10, 2047, 0xff3300cc}};
  file.sh = {0, 128, 255, 1, 2, 3, 4, 5, 6, 10, 20, 30, 40, 50, 60, 70, 80, 90};
  return file;
}

class CompressedPly : public ::testing::Test {
 protected:
  Cloud read(const std::string& bytes) const {
    test::put_file(file_, bytes);
    return read_ply(file_);
  }
  std::string refusal(const std::function<void(Compressed&)>& change) const {
    Compressed file = two();
    change(file);
    const UserMistake mistake = lucid::test::mistake_of([&] { read(file.bytes()); });
    EXPECT_EQ(mistake.file, file_.string());
    return one_line(mistake);
  }
  const lucid::test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path / "a.compressed.ply";
};

void expect_row(const torch::Tensor& row, const std::vector<double>& expected) {
  const torch::Tensor flat = row.flatten();
  ASSERT_EQ(flat.numel(), static_cast<int64_t>(expected.size()));
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(flat[static_cast<int64_t>(i)].item<double>(), expected[i], 1e-5) << i;
}

TEST_F(CompressedPly, UnpacksKnownGaussians) {
  const Cloud cloud = read(two().bytes());
  ASSERT_EQ(cloud.count(), 2);
  expect_row(cloud.means, {-1, 0, 2, 1, 4, 2});
  expect_row(cloud.log_scales, {-8, -6, -4, -8, -6, -3});
  const double kDc = 0.28209479177387814;
  expect_row(cloud.sh_dc[0], {-0.5 / kDc, -0.25 / kDc, -1.5 / kDc});
  expect_row(cloud.sh_dc[1], {0.5 / kDc, -0.15 / kDc, -1.5 / kDc});
  expect_row(cloud.opacity_logits, {-13.8, std::log(0.8 / 0.2)});
  const double kMost = std::sqrt(0.5), x = (512 / 1023.0 - 0.5) * std::sqrt(2.0);
  // All fields 0: three components of -sqrt(1/2), whose squares exceed 1, so the largest is 0.
  expect_row(cloud.quats[0], {0, -kMost, -kMost, -kMost});
  expect_row(cloud.quats[1], {kMost, x, 0, -kMost});
  // Channel-major: red 0, 128, 255, then green 1, 2, 3, then blue 4, 5, 6.
  const auto sh = [](double byte) { return ((byte + 0.5) / 256 - 0.5) * 8; };
  expect_row(cloud.sh_rest[0], {-4, sh(1), sh(4), sh(128), sh(2), sh(5), 4, sh(3), sh(6)});
  expect_row(cloud.sh_rest[1], {sh(10), sh(40), sh(70), sh(20), sh(50), sh(80), sh(30), sh(60), sh(90)});
}

TEST_F(CompressedPly, WithoutShAndWithoutBoundsOfColours) {
  Compressed file = two();
  file.rest = 0;
  file.sh.clear();
  file.bounds.resize(6);
  const Cloud cloud = read(file.bytes());
  EXPECT_EQ(cloud.sh_degree(), 0);
  expect_row(cloud.sh_dc[1], {0.5 / 0.28209479177387814, -0.3 / 0.28209479177387814, -0.5 / 0.28209479177387814});
}

TEST_F(CompressedPly, Each256GaussiansHaveTheirOwnBounds) {
  Compressed file = two();
  file.vertices.resize(257, {0, 0, 0, 0});
  file.sh.resize(257 * 9);
  file.chunks = 2;
  const Cloud cloud = read(file.bytes());
  expect_row(cloud.means[255], {-1, 0, 2});
  expect_row(cloud.means[256], {0, 1, 3});
}

TEST_F(CompressedPly, DamagedFilesAreRefused) {
  EXPECT_NE(refusal([](Compressed& f) { f.chunks = 2; }).find("2 chunks for 2 Gaussians"), std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.chunks = 0; }).find("0 chunks"), std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) {
              f.vertices.clear();
              f.sh.clear();
            }).find("no Gaussians"),
            std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.sh.resize(9); }).find("coefficients of 1 Gaussians"), std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) {
              f.rest = 8;
              f.sh.resize(16);
            }).find("has 8 properties f_rest_*"),
            std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.bounds[4] = "other"; }).find("lacks the property min_scale_y"),
            std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.bounds[8] = "other"; }).find("lacks the property min_b"), std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.least[1] = NAN; }).find("chunk 0 (from 0) is nan"), std::string::npos);
  EXPECT_NE(refusal([](Compressed& f) { f.most[6] = 3e38f; }).find("vertex 1 (from 0) has the colour"),
            std::string::npos);
  std::string text = two().bytes();
  for (const char* type : {"float packed_scale", "int packed_scale"}) {
    const size_t at = text.find("uint packed_scale");
    EXPECT_THROW(read(std::string(text).replace(at, 17, type)), UserError);
  }
  const size_t body = text.find("end_header\n");
  for (size_t length = body; length < text.size(); ++length) EXPECT_THROW(read(text.substr(0, length)), UserError);
}

}  // namespace
}  // namespace lucid::asset
