// SPDX-License-Identifier: Apache-2.0
// Tests of PLY reading with hostile files: false counts, truncation, other contents. Each gives a helpful error.
#include <gtest/gtest.h>

#include <limits>

#include "goldens.h"
#include "lucid/asset/splats/ply.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"

namespace lucid::asset {
namespace {

template <class... Text>
std::vector<std::string> parts(const Text&... text) {
  return {std::string(text)...};
}
bool says(const std::string& message, const std::vector<std::string>& wanted) {
  for (const auto& part : wanted) {
    if (message.find(part) == std::string::npos) return false;
  }
  return true;
}

class HostilePly : public ::testing::Test {
 protected:
  /// The error message for a file of these bytes; "" if it is read without an error.
  std::string refusal(const std::string& bytes) {
    write_file(file_, bytes);
    try {
      read_ply(file_);
    } catch (const UserError& error) {
      EXPECT_EQ(error.mistake().file, file_.string());
      return error.what();
    }
    return "";
  }
  static std::string replaced(std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return at == std::string::npos ? text : text.replace(at, from.size(), to);
  }
  std::string good(int64_t count = 3, int degree = 1) {
    write_ply(file_, test::random_cloud(count, degree));
    return read_file(file_);
  }
  static std::string ascii(const std::string& last_values, uint64_t count = 2) {
    std::string text = fmt::format("ply\nformat ascii 1.0\nelement vertex {}\n", count);
    for (const char* name : {"x", "y", "z", "f_dc_0", "f_dc_1", "f_dc_2", "opacity", "scale_0", "scale_1", "scale_2",
                             "rot_0", "rot_1", "rot_2", "rot_3"}) {
      text += fmt::format("property float {}\n", name);
    }
    return text + "end_header\n1 2 3 4 5 6 7 8 9 10 11 12 13 14\n" + last_values;
  }

  const lucid::test::TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_.path / "hostile.ply";
};

TEST_F(HostilePly, TheGoodOnesOfTheseTestsAreGood) {
  EXPECT_EQ(refusal(good()), "");
  EXPECT_EQ(refusal(ascii("1 2 3 4 5 6 7 8 9 10 11 12 13 +1.4e1")), "");
}

TEST_F(HostilePly, NotAPlyAtAll) {
  EXPECT_PRED2(says, refusal(""), parts("empty"));
  EXPECT_PRED2(says, refusal("PK\x03\x04"), parts("not a PLY"));
  EXPECT_PRED2(says, refusal("solid\n1 2 3\n"), parts("not a PLY"));
  EXPECT_PRED2(says, refusal("ply\nformat ascii 1.0\n"), parts("end_header"));
  EXPECT_PRED2(says, refusal("ply\nformat ascii 1.0\n" + std::string(2 << 20, 'x')), parts("end_header"));
  EXPECT_THROW(read_ply(folder_.path), UserError);
  EXPECT_THROW(read_ply(folder_.path / "none.ply"), UserError);
}

TEST_F(HostilePly, MalformedHeadersNameTheLine) {
  EXPECT_PRED2(says, refusal("ply\nformat morse 1.0\nend_header\n"), parts("hostile.ply:2: unknown format \"morse\""));
  EXPECT_PRED2(says, refusal("ply\nelement vertex 1\nend_header\n"), parts("format"));
  EXPECT_PRED2(says, refusal("ply\nformat ascii 1.0\nproperty float x\nend_header\n"), parts(":3: "));
  EXPECT_PRED2(says, refusal(replaced(good(), "property float opacity", "property half opacity")), parts("\"half\""));
  EXPECT_PRED2(says, refusal(replaced(good(), "property float nx", "property float x")), parts("two properties \"x\""));
  EXPECT_PRED2(says, refusal(replaced(good(), "property float nx", "property list float int nx")), parts("list"));
  EXPECT_PRED2(says, refusal(replaced(good(), "property float nx", "nonsense")), parts("nonsense"));
  EXPECT_LT(refusal(replaced(good(), "property float nx", std::string(100000, 'n'))).size(), 500u);
}

TEST_F(HostilePly, CountsAreHeldAgainstTheFilesSize) {
  for (const char* count : {"-1", "99999999999999999999999999", "1e9", "0x10", "1.5", ""}) {
    EXPECT_PRED2(says, refusal(replaced(good(), "vertex 3", std::string("vertex ") + count)), parts(":3: ")) << count;
  }
  // 2^62 rows of 104 bytes overflow 64 bits to 0; the others only exceed memory.
  for (const char* count : {"4", "4000000000", "4611686018427387904", "18446744073709551615"}) {
    EXPECT_PRED2(says, refusal(replaced(good(), "vertex 3", std::string("vertex ") + count)),
                 parts(std::string("claims ") + count, "vertex"));
  }
  EXPECT_PRED2(says, refusal(ascii("", 4000000000)), parts("claims 4000000000 rows"));
  EXPECT_PRED2(says,
               refusal(replaced(good(), "element vertex", "element other 99999999\nproperty double d\nelement vertex")),
               parts("other"));
  EXPECT_PRED2(says, refusal(replaced(good(), "vertex 3", "vertex 0")), parts("no Gaussians"));
}

TEST_F(HostilePly, MissingPropertiesAreNamed) {
  EXPECT_PRED2(says,
               refusal("ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
                       "end_header\n1 2 3\n"),
               parts("f_dc_0, f_dc_1, f_dc_2, opacity, scale_0", "is it a Gaussian PLY?"));
  EXPECT_PRED2(says, refusal(replaced(good(), "float scale_1", "float scale_9")),
               parts("lacks the vertex properties scale_1"));
  EXPECT_PRED2(says, refusal(replaced(good(), "float f_rest_4", "float f_rest_9")), parts("f_rest_4"));
  EXPECT_PRED2(says, refusal("ply\nformat ascii 1.0\nelement face 0\nend_header\n"), parts("no element \"vertex\""));
}

TEST_F(HostilePly, TheNumberOfRestCoefficientsMustBelongToADegree) {
  EXPECT_PRED2(says, refusal(replaced(good(), "float f_rest_8", "float surplus")), parts("has 8 properties f_rest_*"));
  EXPECT_PRED2(says, refusal(replaced(good(), "float nx", "float f_rest_9")), parts("has 10 properties f_rest_*"));
  EXPECT_EQ(refusal(good(2, 3)), "");
}

TEST_F(HostilePly, TruncationIsSeenAtEveryLength) {
  const std::string whole = good();
  for (size_t cut = 1; cut <= 3 * 104; ++cut) EXPECT_NE(refusal(whole.substr(0, whole.size() - cut)), "") << cut;
  for (size_t length = 0; length < 200; ++length) EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
}

TEST_F(HostilePly, BrokenTextRowsNameRowAndProperty) {
  EXPECT_PRED2(says, refusal(ascii("1 2 3 4 5 6 7 8 9 10 11 12 13\n")), parts("row 1", "rot_3"));
  EXPECT_PRED2(says, refusal(ascii("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n")), parts("row 1", "more values"));
  EXPECT_PRED2(says, refusal(ascii("1 2 x3 4 5 6 7 8 9 10 11 12 13 14\n")), parts("\"x3\"", "z: row 1"));
  EXPECT_PRED2(says, refusal(ascii("1 2 3 4 5 6 7 8 9 10 11 12 13 1e999\n")), parts("rot_3"));
  EXPECT_PRED2(says, refusal(ascii("\n\n                                            ")), parts("row 1"));
}

TEST_F(HostilePly, OnlyFiniteNumbersMakeAGaussian) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                          -std::numeric_limits<float>::infinity()}) {
    gaussians::Cloud cloud = test::random_cloud(3, 1);
    cloud.sh_rest[2][1][2] = bad;  // blue's second coefficient: f_rest_7
    write_ply(file_, cloud);
    EXPECT_PRED2(says, refusal(read_file(file_)), parts("f_rest_7", "vertex 2"));
  }
  EXPECT_PRED2(says, refusal(ascii("1 2 nan 4 5 6 7 8 9 10 11 12 13 14\n")), parts("z: ", "vertex 1"));
  EXPECT_PRED2(says, refusal(ascii("1 2 3 4 5 6 7 8 9 10 11 12 13 1e300\n")), parts("rot_3"));  // Inf as a float
}

TEST_F(HostilePly, AZeroQuaternionIsReadAsItIs) {
  gaussians::Cloud cloud = test::random_cloud(3, 1);
  cloud.quats[1].zero_();
  write_ply(file_, cloud);
  EXPECT_TRUE(torch::equal(read_ply(file_).quats, cloud.quats));
}

TEST_F(HostilePly, ListsCannotReachBeyondTheFile) {
  const std::string list = "element l 1\nproperty list uint double items\nelement vertex";
  std::string text = replaced(good(), "element vertex", list);
  const size_t body = text.find("end_header\n") + 11;
  EXPECT_PRED2(says, refusal(text.substr(0, body) + std::string("\xff\xff\xff\xff", 4) + text.substr(body)),
               parts("items"));
  EXPECT_EQ(refusal(text.substr(0, body) + std::string("\0\0\0\0", 4) + text.substr(body)), "");
  const std::string negative = replaced(text, "list uint", "list int");
  const size_t at = negative.find("end_header\n") + 11;
  EXPECT_PRED2(says, refusal(negative.substr(0, at) + "\xff\xff\xff\xff" + negative.substr(at)), parts("-1 items"));
}

}  // namespace
}  // namespace lucid::asset
