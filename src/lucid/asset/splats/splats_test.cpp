// SPDX-License-Identifier: Apache-2.0
// Tests of all formats of Gaussians together: pictures after a round trip, axes, recognition by content, and what is
// refused.
#include "lucid/asset/splats/splats.h"

#include <cmath>

#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "mistakes.h"

namespace lucid::asset {
namespace {

using gaussians::Cloud;

/// One way to write Gaussians, and how close the picture of the re-read file must be.
struct Way {
  Format format;
  SplatOptions options;
  double least_psnr;
  bool has_sh = true;
};
const std::vector<Way>& ways() {
  static const std::vector<Way> all = {
      {Format::kSplatPly, {}, 100},
      {Format::kSplatPly, {.axes = Axes::kYDown, .pad_to_sh3 = true, .big_endian = true}, 60},
      {Format::kSplatGlb, {}, 60},
      {Format::kSpz, {}, 30},
      {Format::kSpz, {.spz_version = 4}, 30},
      {Format::kSplat, {}, 30, false},
  };
  return all;
}

std::string_view extension_of(Format format) {
  for (const FormatRow& row : kFormats) {
    if (row.format == format) return row.extension;
  }
  return "";
}

class Splats : public ::testing::Test {
 protected:
  std::filesystem::path file_for(Format format) const {
    return folder_.path / ("cloud" + std::string(extension_of(format)));
  }
  const lucid::test::TemporaryFolder folder_;
};

TEST_F(Splats, EveryFormatOfGaussiansIsTested) {
  for (const FormatRow& row : kFormats) {
    if (row.holds != Holds::kSplats) continue;
    EXPECT_TRUE(std::any_of(ways().begin(), ways().end(), [&](const Way& way) { return way.format == row.format; }))
        << row.name;
  }
}

TEST_F(Splats, PicturesAfterARoundTrip) {
  for (auto golden : test::golden_clouds()) {
    for (const Way& way : ways()) {
      Cloud cloud = golden.cloud;
      if (!way.has_sh) cloud.sh_rest = cloud.sh_rest.narrow(1, 0, 0);
      const auto file = file_for(way.format);
      write_splats(way.format, file, cloud, way.options);
      const Cloud back = read_splats(file, way.options.axes);
      ASSERT_EQ(back.count(), cloud.count());
      const double got = test::psnr(test::picture(cloud, golden.camera, golden.background),
                                    test::picture(back, golden.camera, golden.background));
      EXPECT_GE(got, way.least_psnr) << golden.name << ' ' << extension_of(way.format);
    }
  }
}

TEST_F(Splats, AxesOfTheFileAreThoseAskedForAndOverrideTheDefault) {
  const Cloud cloud = test::random_cloud(6, 2);
  for (const Way& way : ways()) {
    if (way.format == Format::kSplat) continue;  // its rows are sorted; dot_splat_test.cpp compares them
    const auto file = file_for(way.format);
    for (const Axes axes : {Axes::kLucid, Axes::kYUp, Axes::kYDown}) {
      SplatOptions options = way.options;
      options.axes = axes;
      write_splats(way.format, file, cloud, options);
      // Read as lucid's axes, the numbers are those of the file.
      const Cloud raw = read_splats(file, Axes::kLucid), expected = turned(cloud, from_lucid(axes));
      EXPECT_LE(test::largest_difference(raw.means, expected.means), 1e-5) << extension_of(way.format);
      EXPECT_LE(test::largest_difference(read_splats(file, axes).means, cloud.means), 1e-5);
      const bool is_default = axes == default_axes(way.format);
      EXPECT_EQ(test::largest_difference(read_splats(file).means, cloud.means) < 1e-5, is_default);
    }
  }
}

TEST_F(Splats, TheDefaultAxesAreThoseOfTheDocuments) {
  EXPECT_EQ(default_axes(Format::kSplatPly), Axes::kLucid);
  EXPECT_EQ(default_axes(Format::kPointsPly), Axes::kLucid);
  EXPECT_EQ(default_axes(Format::kSplatGlb), Axes::kYUp);
  EXPECT_EQ(default_axes(Format::kSpz), Axes::kYDown);
  EXPECT_EQ(default_axes(Format::kSplat), Axes::kYDown);
}

TEST_F(Splats, TheContentCountsNotTheName) {
  const Cloud cloud = test::random_cloud(3, 1);
  for (const Way& way : ways()) {
    if (way.format == Format::kSplat) continue;  // no magic number
    const auto misnamed = folder_.path / "cloud.bin";
    write_splats(way.format, misnamed, cloud, way.options);
    EXPECT_EQ(read_splats(misnamed, way.options.axes).count(), 3) << extension_of(way.format);
  }
  write_splats(Format::kSplat, folder_.path / "cloud.bin", cloud, {});
  EXPECT_THROW(read_splats(folder_.path / "cloud.bin"), UserError);
}

TEST_F(Splats, ADotSplatFileMayBeginLikeGzipOrJson) {
  Cloud cloud = test::random_cloud(1, 0);
  for (const std::string begin : {"\x1f\x8b", "{ "}) {
    write_splats(Format::kSplat, file_for(Format::kSplat), cloud, {});
    test::put_file(file_for(Format::kSplat), begin + read_file(file_for(Format::kSplat)).substr(begin.size()));
    EXPECT_EQ(read_splats(file_for(Format::kSplat)).count(), 1);
  }
}

TEST_F(Splats, UnknownFilesAreRefusedInOneLine) {
  for (const std::string bytes : {"", "x", "PK\x03\x04", "solid cube", "\x89PNG"}) {
    test::put_file(folder_.path / "x.bin", bytes);
    const UserMistake mistake = lucid::test::mistake_of([&] { read_splats(folder_.path / "x.bin"); });
    EXPECT_EQ(mistake.file, (folder_.path / "x.bin").string());
  }
  EXPECT_THROW(read_splats(folder_.path), UserError);
  EXPECT_THROW(read_splats(folder_.path / "none.spz"), UserError);
}

TEST_F(Splats, NothingAndNoNumbersAreNotWritten) {
  Cloud broken = test::random_cloud(3, 1);
  broken.log_scales[2][1] = NAN;
  for (const FormatRow& row : kFormats) {
    if (row.holds == Holds::kMesh) continue;
    const auto file = file_for(row.format);
    UserMistake mistake = lucid::test::mistake_of([&] { write_splats(row.format, file, broken); });
    EXPECT_NE(mistake.what_happened.find("log_scales of Gaussian 2 (from 0) is nan"), std::string::npos);
    mistake = lucid::test::mistake_of([&] { write_splats(row.format, file, test::random_cloud(0, 0)); });
    EXPECT_NE(mistake.what_happened.find("no Gaussians"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(file));
  }
}

TEST_F(Splats, ExtremeNumbersAreWrittenAndReadAgain) {
  Cloud cloud = test::random_cloud(4, 1);
  cloud.log_scales[0].fill_(3e38f);
  cloud.log_scales[1].fill_(-3e38f);
  cloud.opacity_logits[0] = 3e38f;
  cloud.opacity_logits[1] = -3e38f;
  cloud.sh_dc[2].fill_(-3e38f);
  cloud.sh_rest[2].fill_(3e38f);
  cloud.quats[3].zero_();
  for (const Way& way : ways()) {
    const auto file = file_for(way.format);
    write_splats(way.format, file, cloud, way.options);
    const Cloud back = read_splats(file, way.options.axes);
    EXPECT_EQ(back.count(), 4) << extension_of(way.format);
    for (const torch::Tensor* x : back.parameters()) EXPECT_TRUE(x->isfinite().all().item<bool>());
  }
}

TEST_F(Splats, PointsHaveTheColoursOfDegreeZero) {
  Cloud cloud = test::random_cloud(1, 0);
  cloud.means = torch::tensor({{1.0f, 2.0f, 3.0f}});
  cloud.sh_dc = torch::tensor({0.0f, 10.0f, -1.0f}).reshape({1, 1, 3});
  write_splats(Format::kPointsPly, folder_.path / "points.ply", cloud, {.axes = Axes::kYUp});
  const std::string bytes = read_file(folder_.path / "points.ply");
  const std::string row = bytes.substr(bytes.size() - 15);
  float x[3];
  std::memcpy(x, row.data(), sizeof x);
  EXPECT_EQ(x[0], -1.0f);
  EXPECT_EQ(x[1], 3.0f);
  EXPECT_EQ(x[2], 2.0f);
  EXPECT_EQ(row.substr(12), "\x80\xff\x38");  // 127.5 rounded to even, clamped, 255 * (0.5 - 0.28209)
}

}  // namespace
}  // namespace lucid::asset
