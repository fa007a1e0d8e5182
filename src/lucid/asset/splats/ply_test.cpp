// SPDX-License-Identifier: Apache-2.0
// Tests of PLY files: written bytes have exactly the 3DGS layout; files with any order, type and encoding are read.
#include "lucid/asset/splats/ply.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "goldens.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

using gaussians::Cloud;
using test::random_cloud;

void expect_equal(const Cloud& a, const Cloud& b) {
  const auto x = a.parameters(), y = b.parameters();
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_EQ(x[i]->sizes(), y[i]->sizes()) << Cloud::kNames[i];
    EXPECT_TRUE(torch::equal(*x[i], *y[i])) << Cloud::kNames[i];
  }
}

TEST(Ply, BytesAreEqualAfterWriteReadWrite) {
  const lucid::test::TemporaryFolder folder;
  for (int degree = 0; degree <= 3; ++degree) {
    Cloud cloud = random_cloud(70000, degree);  // more than one chunk of the writer
    cloud.means[0][0] = -0.0f;
    cloud.means[1][1] = 1e-42f;  // denormal
    write_ply(folder.path / "a.ply", cloud);
    const Cloud back = read_ply(folder.path / "a.ply");
    expect_equal(cloud, back);
    write_ply(folder.path / "b.ply", back);
    EXPECT_TRUE(read_file(folder.path / "a.ply") == read_file(folder.path / "b.ply")) << degree;
  }
}

TEST(Ply, SaysThatItWantsTheMipFilter) {
  const lucid::test::TemporaryFolder folder;
  Cloud cloud = random_cloud(3, 0);
  const auto filter_of = [&](const std::string& comment) {
    std::string bytes = read_file(folder.path / "a.ply");
    const std::string format = "format binary_little_endian 1.0\n";
    bytes.insert(bytes.find(format) + format.size(), comment);
    return ply::decode("b.ply", bytes).screen_filter;
  };
  write_ply(folder.path / "a.ply", cloud);
  EXPECT_EQ(read_file(folder.path / "a.ply").find("comment"), std::string::npos);
  EXPECT_EQ(filter_of(""), render::Filter::kDilated);
  EXPECT_EQ(filter_of("comment SplatRenderMode: default\n"), render::Filter::kDilated);
  EXPECT_EQ(filter_of("comment SplatRenderMode: mip\n"), render::Filter::kMip) << "Brush";
  EXPECT_EQ(filter_of("comment antialiased 0\n"), render::Filter::kDilated);
  EXPECT_EQ(filter_of("comment antialiased 1\r\n"), render::Filter::kMip) << "Postshot";
  cloud.screen_filter = render::Filter::kMip;
  write_ply(folder.path / "a.ply", cloud);
  EXPECT_EQ(filter_of(""), render::Filter::kMip);
}

TEST(Ply, LayoutIsThatOf3dgsWithChannelMajorRest) {
  const lucid::test::TemporaryFolder folder;
  Cloud cloud = random_cloud(2, 1);
  write_ply(folder.path / "a.ply", cloud);
  const std::string bytes = read_file(folder.path / "a.ply");
  std::string header = "ply\nformat binary_little_endian 1.0\nelement vertex 2\n";
  for (const char* name :
       {"x",        "y",        "z",        "nx",       "ny",       "nz",       "f_dc_0",   "f_dc_1",   "f_dc_2",
        "f_rest_0", "f_rest_1", "f_rest_2", "f_rest_3", "f_rest_4", "f_rest_5", "f_rest_6", "f_rest_7", "f_rest_8",
        "opacity",  "scale_0",  "scale_1",  "scale_2",  "rot_0",    "rot_1",    "rot_2",    "rot_3"}) {
    header += std::string("property float ") + name + "\n";
  }
  header += "end_header\n";
  constexpr size_t kFloats = 26;
  ASSERT_EQ(bytes.substr(0, header.size()), header);
  ASSERT_EQ(bytes.size(), header.size() + 2 * kFloats * sizeof(float));
  float row[kFloats];  // the second
  std::memcpy(row, bytes.data() + header.size() + sizeof row, sizeof row);
  const auto at = [](const torch::Tensor& x, int64_t i) { return x[1].flatten()[i].item<float>(); };
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(row[i], at(cloud.means, i));
    EXPECT_EQ(row[3 + i], 0.0f);
    EXPECT_EQ(row[6 + i], at(cloud.sh_dc, i));
    for (int k = 0; k < 3; ++k) EXPECT_EQ(row[9 + 3 * i + k], cloud.sh_rest[1][k][i].item<float>()) << i << k;
    EXPECT_EQ(row[19 + i], at(cloud.log_scales, i));
  }
  EXPECT_EQ(row[18], at(cloud.opacity_logits, 0));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(row[22 + i], at(cloud.quats, i));
}

TEST(Ply, PadsToDegreeThreeWithZeros) {
  const lucid::test::TemporaryFolder folder;
  const Cloud cloud = random_cloud(5, 1);
  write_ply(folder.path / "a.ply", cloud, {.pad_to_sh3 = true});
  const Cloud back = read_ply(folder.path / "a.ply");
  ASSERT_EQ(back.sh_rest.size(1), 15);
  EXPECT_TRUE(torch::equal(back.sh_rest.narrow(1, 0, 3), cloud.sh_rest));
  EXPECT_EQ(back.sh_rest.narrow(1, 3, 12).abs().max().item<float>(), 0.0f);
  EXPECT_TRUE(torch::equal(back.quats, cloud.quats));
}

// A PLY of another program: shuffled properties of mixed types, with extra properties, a list and other elements.
enum class Encoding { kAscii, kLittle, kBig };

class Foreign {
 public:
  explicit Foreign(Encoding encoding) : encoding_(encoding) {}
  std::string text;

  template <class T>
  void put(T value) {
    if (encoding_ == Encoding::kAscii) {
      text += fmt::format("{} ", static_cast<double>(value));
      return;
    }
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof(T));
    if (encoding_ == Encoding::kBig) std::reverse(bytes, bytes + sizeof(T));
    text.append(bytes, sizeof(T));
  }
  void end_row(const std::string& line_end) {
    if (encoding_ == Encoding::kAscii) text += line_end;
  }

 private:
  Encoding encoding_;
};

std::string foreign_ply(const Cloud& cloud, Encoding encoding, const std::string& line_end, bool with_list) {
  const char* formats[] = {"ascii", "binary_little_endian", "binary_big_endian"};
  Foreign out(encoding);
  std::vector<std::string> lines = {"ply",
                                    fmt::format("format {} 1.0", formats[static_cast<int>(encoding)]),
                                    "comment made elsewhere",
                                    "obj_info x",
                                    "",
                                    "element empty 18446744073709551615",
                                    "element camera 2",
                                    "property list uchar int32 ids",
                                    "property double f",
                                    "element plain 3",
                                    "property short a",
                                    "property uint8 b",
                                    fmt::format("element vertex {}", cloud.count())};
  for (const char* name : {"rot_3", "rot_2", "rot_1", "rot_0", "scale_2", "scale_1", "scale_0"}) {
    lines.push_back(std::string("property double ") + name);
  }
  lines.push_back("property uchar red");
  if (with_list) lines.push_back("property list ushort float x_list");
  for (const char* name : {"z", "y", "x", "opacity", "f_dc_2", "f_dc_1", "f_dc_0"}) {
    lines.push_back(std::string("property float32 ") + name);
  }
  for (int i = 8; i >= 0; --i) lines.push_back(fmt::format("property float f_rest_{}", i));
  for (const char* line : {"element face 1", "property list uchar int vertex_indices", "end_header"}) {
    lines.push_back(line);
  }
  for (const auto& line : lines) out.text += line + line_end;

  for (uint8_t i = 0; i < 2; ++i) {  // element camera
    out.put<uint8_t>(i);
    for (int32_t j = 0; j < i; ++j) out.put<int32_t>(-j);
    out.put<double>(0.5);
    out.end_row(line_end);
  }
  for (int i = 0; i < 3; ++i) {  // element plain
    out.put<int16_t>(-5);
    out.put<uint8_t>(7);
    out.end_row(line_end);
  }
  for (int64_t n = 0; n < cloud.count(); ++n) {
    for (int i = 3; i >= 0; --i) out.put<double>(cloud.quats[n][i].item<double>());
    for (int i = 2; i >= 0; --i) out.put<double>(cloud.log_scales[n][i].item<double>());
    out.put<uint8_t>(200);
    if (with_list) {
      out.put<uint16_t>(static_cast<uint16_t>(n % 3));
      for (int64_t i = 0; i < n % 3; ++i) out.put<float>(9.5f);
    }
    for (int i = 2; i >= 0; --i) out.put<float>(cloud.means[n][i].item<float>());
    out.put<float>(cloud.opacity_logits[n][0].item<float>());
    for (int i = 2; i >= 0; --i) out.put<float>(cloud.sh_dc[n][0][i].item<float>());
    for (int i = 8; i >= 0; --i) out.put<float>(cloud.sh_rest[n][i % 3][i / 3].item<float>());
    out.end_row(line_end);
  }
  return out.text;  // without the declared face: elements after the vertices are not read
}

TEST(Ply, ReadsAnyOrderTypeEncodingAndLineEnd) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "foreign.ply";
  const Cloud cloud = random_cloud(11, 1);
  for (const Encoding encoding : {Encoding::kAscii, Encoding::kLittle, Encoding::kBig}) {
    for (const char* line_end : {"\n", "\r\n"}) {
      for (const bool with_list : {false, true}) {
        SCOPED_TRACE(fmt::format("{} {} {}", static_cast<int>(encoding), std::strlen(line_end), with_list));
        write_file(file, foreign_ply(cloud, encoding, line_end, with_list));
        expect_equal(cloud, read_ply(file));
      }
    }
  }
}

TEST(Ply, PointsAreThreeFloatsAndThreeBytes) {
  const lucid::test::TemporaryFolder folder;
  write_points_ply(folder.path / "p.ply", torch::tensor({{1.0f, 2.0f, 3.0f}, {4.0f, 5.0f, 6.0f}}),
                   torch::tensor({{0.0f, 0.5f, 1.0f}, {2.0f, -1.0f, 0.2f}}));
  const std::string bytes = read_file(folder.path / "p.ply");
  const std::string header =
      "ply\nformat binary_little_endian 1.0\nelement vertex 2\nproperty float x\nproperty float y\nproperty float z\n"
      "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n";
  ASSERT_EQ(bytes.size(), header.size() + 30);
  EXPECT_EQ(bytes.substr(0, header.size()), header);
  float y = 0;
  std::memcpy(&y, bytes.data() + header.size() + 15 + 4, 4);
  EXPECT_EQ(y, 5.0f);
  EXPECT_EQ(bytes.substr(header.size() + 12, 3), std::string("\x00\x80\xff", 3));
  EXPECT_EQ(bytes.substr(header.size() + 27, 3), std::string("\xff\x00\x33", 3));
}

TEST(Ply, AFullDiskLeavesTheOldFileAndNothingElse) {
  const lucid::test::TemporaryFolder folder;
  const auto file = folder.path / "a.ply";
  write_ply(file, random_cloud(3, 0));
  const std::string before = read_file(file);
  {
    const test::SmallDisk disk(4096);
    EXPECT_THROW(write_ply(file, random_cloud(1000, 0)), UserError);
    EXPECT_THROW(write_points_ply(file, torch::zeros({1000, 3}), torch::zeros({1000, 3})), UserError);
  }
  EXPECT_EQ(read_file(file), before);
  EXPECT_EQ(test::files_in(folder.path), 1u);
  EXPECT_THROW(write_ply("/proc/lucid/a.ply", random_cloud(3, 0)), UserError);
}

}  // namespace
}  // namespace lucid::asset
