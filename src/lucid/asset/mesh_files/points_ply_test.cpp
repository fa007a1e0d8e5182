// SPDX-License-Identifier: Apache-2.0
// Tests of the reader of PLY points with changed bits and cut files: a clear error, or points that hold together.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "lucid/asset/mesh_files/points_files.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

/// Whether the bytes are read. What is read must hold together, and an error must name the file.
bool is_read(const std::string& bytes) {
  const std::vector<char> exact(bytes.begin(), bytes.end());  // so that AddressSanitizer sees reads beyond the end
  try {
    const Points points = read_points_ply("hostile.ply", {exact.data(), exact.size()});
    const size_t count = points.positions.size();
    EXPECT_GT(count, 0U);
    EXPECT_TRUE(points.normals.empty() || points.normals.size() == count);
    EXPECT_TRUE(points.colours.empty() || points.colours.size() == count);
    for (const mesh::Point& p : points.positions) EXPECT_TRUE(std::isfinite(p.x + p.y + p.z) || std::abs(p.x) > 1e37F);
    for (const mesh::Point& n : points.normals) EXPECT_TRUE(dot(n, n) == 0 || std::abs(dot(n, n) - 1) < 1e-4F);
    return true;
  } catch (const UserError& error) {
    EXPECT_EQ(error.mistake().file, "hostile.ply");
    return false;
  }
}

constexpr const char* kProperties =
    "property float x\nproperty float y\nproperty float z\nproperty float nx\nproperty float ny\nproperty float nz\n"
    "property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n";

std::string binary_points() {
  std::string bytes = std::string("ply\nformat binary_little_endian 1.0\nelement vertex 6\n") + kProperties;
  for (int i = 0; i < 6; ++i) {
    const float values[6] = {float(i), 1, 2, 0, 1, 0};
    bytes.append(reinterpret_cast<const char*>(values), sizeof(values));
    bytes += "abc";
  }
  return bytes;
}

std::string text_points() {
  return std::string("ply\nformat ascii 1.0\nelement vertex 2\n") + kProperties +
         "1 2 3 0 1 0 9 8 7\n4 5 6 1 0 0 6 5 4\n";
}

TEST(HostilePoints, ChangedBitsAndCuts) {
  for (const std::string& good : {binary_points(), text_points()}) {
    ASSERT_TRUE(is_read(good));
    for (size_t place = 0; place < good.size(); ++place) {
      for (int bit = 0; bit < 8; ++bit) {
        std::string changed = good;
        changed[place] = static_cast<char>(changed[place] ^ (1 << bit));
        is_read(changed);
        ASSERT_FALSE(::testing::Test::HasFailure()) << "byte " << place << ", bit " << bit;
      }
      is_read(good.substr(0, place));
      ASSERT_FALSE(::testing::Test::HasFailure()) << "cut at " << place;
    }
    EXPECT_FALSE(is_read(good.substr(0, good.size() - 3)));
  }
}

TEST(HostilePoints, CountsThatLie) {
  for (const char* count : {"4000000000", "18446744073709551615", "7"}) {
    std::string bytes = binary_points();
    bytes.replace(bytes.find("vertex 6") + 7, 1, count);
    EXPECT_FALSE(is_read(bytes)) << count;
  }
}

TEST(PointsPly, KnowsFacesByTheirCount) {
  const std::string head = "ply\nformat ascii 1.0\nelement vertex 0\nproperty float x\nelement face ";
  const std::string tail = "\nproperty list uchar int vertex_indices\nend_header\n";
  EXPECT_TRUE(ply_has_faces("a.ply", head + "3" + tail));
  EXPECT_FALSE(ply_has_faces("a.ply", head + "0" + tail));
  EXPECT_FALSE(ply_has_faces("a.ply", text_points()));
}

}  // namespace
}  // namespace lucid::asset
