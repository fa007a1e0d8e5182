// SPDX-License-Identifier: Apache-2.0
// Tests of SPZ files: the exact bytes of known Gaussians, the quantisation of each field, old versions, and files that
// lie. Expected bytes are computed by hand from the format's description.
#include "lucid/asset/splats/spz.h"

#include <zlib.h>
#include <zstd.h>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/spz_values.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/error.h"
#include "mistakes.h"

namespace lucid::asset::spz {
namespace {

using gaussians::Cloud;

std::string gzip(const std::string& raw) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(deflateBound(&stream, raw.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(raw.data()));
  stream.avail_in = static_cast<uInt>(raw.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string gunzip(const std::string& compressed, size_t size) {
  std::string out(size + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 31), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));
  stream.avail_in = static_cast<uInt>(compressed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

std::string bytes_of(const std::vector<int>& values) { return std::string(values.begin(), values.end()); }

/// Two Gaussians of degree 1 whose bytes are easy to compute.
Cloud known_cloud() {
  Cloud cloud = new_cloud(2, 3);
  cloud.means = torch::tensor({1.0f, -0.5f, 0.25f, 0.0f, 2.0f, -2.0f}).reshape({2, 3});
  cloud.opacity_logits = torch::tensor({0.0f, 100.0f}).reshape({2, 1});
  cloud.sh_dc = torch::tensor({0.0f, 1.0f, -9.0f, 9.0f, -1.0f, 0.0f}).reshape({2, 1, 3});
  cloud.log_scales = torch::tensor({-10.0f, -5.0f, 0.0f, 9.0f, -11.0f, -4.97f}).reshape({2, 3});
  const float s = std::sqrt(0.5f);
  cloud.quats = torch::tensor({1.0f, 0.0f, 0.0f, 0.0f, -s, 0.0f, s, 0.0f}).reshape({2, 4});
  cloud.sh_rest = torch::tensor({0.0f, 0.5f, -0.5f, 0.99f, -1.0f, 0.03f, 0.0f, 0.0f, 0.0f,  //
                                 9.0f, -9.0f, 0.04f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f, 0.0f})
                      .reshape({2, 3, 3});
  return cloud;
}

std::string known_header(int version, int streams) {
  return bytes_of({'N', 'G', 'S', 'P', version, 0, 0, 0, 2, 0, 0, 0, 1, 12, 0, streams});
}
std::vector<std::string> known_sections() {
  return {
      // 24 bits in units of 1/4096: 0x001000, -0x800, 0x400; 0, 0x2000, -0x2000
      bytes_of({0x00, 0x10, 0x00, 0x00, 0xf8, 0xff, 0x00, 0x04, 0x00,  //
                0x00, 0x00, 0x00, 0x00, 0x20, 0x00, 0x00, 0xe0, 0xff}),
      bytes_of({128, 255}),  // 127.5 rounds to even
                             // 255 * (0.15 * dc + 0.5): 127.5, 165.75, clamped; clamped, 89.25, 127.5
      bytes_of({128, 166, 0, 255, 89, 128}),
      // 16 * (ln s + 10): 0, 80, 160; clamped, clamped, 80.48
      bytes_of({0, 80, 160, 255, 0, 80}),
      // largest = w (3), all else 0; largest of (w, y) is y (1) as the first: x 0, z 0, w negative 511
      bytes_of({0x00, 0x00, 0x00, 0xc0, 0xff, 0x03, 0x00, 0x40}),
      // 128 c + 128, to multiples of 8: 128, 192, 64; 254.72 -> 256 clamped, 0, 131.84 -> 136; clamped, 0, 133 -> 136
      bytes_of({128, 192, 64, 255, 0, 136, 128, 128, 128, 255, 0, 136, 128, 128, 128, 128, 128, 128})};
}

TEST(Spz, TheBytesOfKnownGaussiansInVersion3) {
  const std::string file = encode("x.spz", known_cloud(), {.version = 3, .fractional_bits = 12});
  std::string expected = known_header(3, 0);
  for (const std::string& section : known_sections()) expected += section;
  EXPECT_EQ(file.substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(gunzip(file, expected.size()), expected);
}

TEST(Spz, TheBytesOfKnownGaussiansInVersion4) {
  const std::string file = encode("x.spz", known_cloud(), {.version = 4, .fractional_bits = 12});
  ASSERT_EQ(file.substr(0, 16), known_header(4, 6));
  ASSERT_EQ(file.substr(16, 16), bytes_of({32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  const auto sections = known_sections();
  size_t at = 32 + 6 * 16;
  for (size_t s = 0; s < 6; ++s) {
    uint64_t sizes[2];
    std::memcpy(sizes, file.data() + 32 + 16 * s, sizeof sizes);
    ASSERT_EQ(sizes[1], sections[s].size());
    ASSERT_EQ(ZSTD_getFrameContentSize(file.data() + at, sizes[0]), sizes[1]);
    std::string raw(sizes[1], '\0');
    ASSERT_EQ(ZSTD_decompress(raw.data(), raw.size(), file.data() + at, sizes[0]), raw.size());
    EXPECT_EQ(raw, sections[s]) << "section " << s;
    at += sizes[0];
  }
  EXPECT_EQ(at, file.size());
}

TEST(Spz, DegreeZeroHasFiveStreamsInVersion4) {
  const std::string file = encode("x.spz", test::random_cloud(3, 0), {.version = 4});
  EXPECT_EQ(file[15], 5);
  EXPECT_EQ(decode("x.spz", file).count(), 3);
}

TEST(Spz, EveryFieldIsExactToItsQuantisation) {
  for (int degree = 0; degree <= 3; ++degree) {
    Cloud cloud = test::random_cloud(5000, degree);
    cloud.log_scales = cloud.log_scales.clamp(-10, 5.9);
    cloud.sh_dc = cloud.sh_dc.clamp(-3.3, 3.3);
    cloud.sh_rest = (cloud.sh_rest * 0.4).clamp(-1, 0.93);
    for (const int version : {3, 4}) {
      const Cloud back = decode("x.spz", encode("x.spz", cloud, {.version = version}));
      ASSERT_EQ(back.count(), 5000);
      ASSERT_EQ(back.sh_degree(), degree);
      const double kRounding = 1e-6;
      EXPECT_LE(test::largest_difference(back.means, cloud.means), std::ldexp(0.5, -16) + kRounding);
      EXPECT_LE(test::largest_difference(back.opacity_logits.sigmoid(), cloud.opacity_logits.sigmoid()),
                0.5 / 255 + kRounding);
      EXPECT_LE(test::largest_difference(back.sh_dc, cloud.sh_dc), 0.5 / 255 / 0.15 + kRounding);
      EXPECT_LE(test::largest_difference(back.log_scales, cloud.log_scales), 0.5 / 16 + kRounding);
      // Buckets of 8 and 16 of 128ths, after rounding to whole 128ths.
      if (degree >= 1) {
        const auto first = [](const Cloud& c) { return c.sh_rest.narrow(1, 0, 3); };
        EXPECT_LE(test::largest_difference(first(back), first(cloud)), 4.5 / 128 + kRounding);
      }
      EXPECT_LE(degree == 0 ? 0 : test::largest_difference(back.sh_rest, cloud.sh_rest), 8.5 / 128 + kRounding);
      // 1 - |q . p| of unit quaternions; each of three components is off by at most half a step of sqrt(1/2) / 511.
      const torch::Tensor unit = cloud.quats / cloud.quats.norm(2, {1}, true);
      const torch::Tensor dot = (unit * back.quats).sum(1).abs();
      EXPECT_LE((1 - dot).max().item<double>(), 6 * std::pow(0.5 / 511 / std::sqrt(2.0), 2) + kRounding);
      EXPECT_LE(test::largest_difference(back.quats.norm(2, {1}), torch::ones({5000})), 1e-6);
    }
  }
}

TEST(Spz, SaysThatItWantsTheMipFilter) {
  for (const int version : {3, 4}) {
    SCOPED_TRACE(version);
    Cloud cloud = test::random_cloud(5, 1);
    const std::string plain = encode("a.spz", cloud, {.version = version});
    EXPECT_EQ(decode("a.spz", plain).screen_filter, render::Filter::kDilated);
    cloud.screen_filter = render::Filter::kMip;
    const std::string mip = encode("a.spz", cloud, {.version = version});
    EXPECT_EQ(decode("a.spz", mip).screen_filter, render::Filter::kMip);
  }
}

TEST(Spz, WritingWhatWasReadChangesNothing) {
  const std::string once = encode("x.spz", test::random_cloud(200, 3), {.fractional_bits = 12});
  const Cloud read = decode("x.spz", once);
  const Cloud again = decode("x.spz", encode("x.spz", read, {.fractional_bits = 12}));
  for (int g = 0; g < Cloud::kGroups; ++g) {
    if (g == Cloud::kQuats) {  // the largest component is computed from the others
      EXPECT_LE(test::largest_difference(again.quats, read.quats), 1.5e-3);
    } else {
      EXPECT_TRUE(torch::equal(*again.parameters()[g], *read.parameters()[g])) << Cloud::kNames[g];
    }
  }
}

TEST(Spz, FractionalBitsFollowTheFarthestPosition) {
  const auto bits_for = [](float farthest) {
    Cloud cloud = test::random_cloud(3, 0);
    cloud.means.fill_(0.1f);
    cloud.means[1][2] = -farthest;
    const std::string file = encode("x.spz", cloud, {.version = 4});
    EXPECT_NEAR(decode("x.spz", file).means[1][2].item<float>(), -farthest, farthest * 1e-6);
    return static_cast<int>(file[13]);
  };
  EXPECT_EQ(bits_for(1), 16);
  EXPECT_EQ(bits_for(127.9f), 16);
  EXPECT_EQ(bits_for(128), 15);
  EXPECT_EQ(bits_for(2047), 12);
  EXPECT_EQ(bits_for(8388607), 0);
}

TEST(Spz, PositionsThatDoNotFitAreNamed) {
  Cloud cloud = test::random_cloud(3, 0);
  cloud.means[1][2] = 2048;
  UserMistake mistake = lucid::test::mistake_of([&] { encode("x.spz", cloud, {.fractional_bits = 12}); });
  EXPECT_NE(mistake.what_happened.find("Gaussian 1 (from 0) is 2048 from the origin"), std::string::npos);
  EXPECT_EQ(mistake.file, "x.spz");
  cloud.means[1][2] = 1e7f;
  EXPECT_THROW(encode("x.spz", cloud, {}), UserError);
}

/// One Gaussian of degree 0 in an old version.
std::string old_file(int version) {
  std::string raw = bytes_of({'N', 'G', 'S', 'P', version, 0, 0, 0, 1, 0, 0, 0, 0, 12, 0, 0});
  if (version == 1) raw += bytes_of({0x00, 0x3c, 0x00, 0xb8, 0x01, 0x00});  // halves: 1, -0.5, 2^-24
  if (version == 2) raw += bytes_of({0x00, 0x10, 0x00, 0x00, 0xf8, 0xff, 0x01, 0x00, 0x00});
  return raw + bytes_of({51, 128, 0, 255, 80, 81, 82, 255, 128, 0});
}

TEST(Spz, ReadsVersions1And2) {
  for (const int version : {1, 2}) {
    const Cloud cloud = decode("x.spz", gzip(old_file(version)));
    ASSERT_EQ(cloud.count(), 1);
    EXPECT_EQ(cloud.means[0][0].item<float>(), 1.0f);
    EXPECT_EQ(cloud.means[0][1].item<float>(), -0.5f);
    EXPECT_EQ(cloud.means[0][2].item<double>(), std::ldexp(1, version == 1 ? -24 : -12));
    EXPECT_NEAR(cloud.opacity_logits[0][0].item<double>(), std::log(0.2 / 0.8), 1e-6);
    EXPECT_NEAR(cloud.sh_dc[0][0][1].item<double>(), -0.5 / 0.15, 1e-6);
    EXPECT_EQ(cloud.log_scales[0][2].item<double>(), 82.0 / 16 - 10);
    // x = 1, y = 1/255, z = -1: the squares exceed 1, so w is 0 and not NaN
    const std::array<double, 4> quat = {0, 1, 1 / 255.0, -1};
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(cloud.quats[0][i].item<double>(), quat[i], 1e-6);
  }
}

TEST(Spz, ARotationWhoseSmallComponentsExceedOneHasNoNan) {
  const std::array<uint32_t, 4> words = {0x3fffffff, 0x7fffffff, 0xbfffffff, 0xffffffff};
  for (uint32_t largest = 0; largest < 4; ++largest) {  // x, y, z, w
    std::array<float, 4> quat{};
    unpack_rotation(words[largest], quat.data());
    for (uint32_t i = 0; i < 4; ++i) {
      EXPECT_NEAR(quat[(i + 1) % 4], i == largest ? 0 : -std::sqrt(0.5), 1e-6) << largest << i;
    }
  }
}

TEST(Spz, CoefficientsAreRoundedToTheBucketsOfTheReferenceWriter) {
  const Cloud cloud = decode("x.spz", encode("x.spz", test::random_cloud(100, 3), {}));
  const torch::Tensor bytes = (cloud.sh_rest * 128 + 128).to(torch::kInt64);
  const auto remainders = [&](int64_t first, int64_t count, int64_t bucket) {
    const torch::Tensor part = bytes.narrow(1, first, count);
    return (part.remainder(bucket) * part.ne(255)).count_nonzero().item<int64_t>();
  };
  EXPECT_EQ(remainders(0, 3, 8), 0);
  EXPECT_GT(remainders(0, 3, 16), 0);
  EXPECT_EQ(remainders(3, 12, 16), 0);
}

TEST(Spz, InfiniteHalvesAreRefusedWithTheirRow) {
  std::string raw = old_file(1);
  raw.replace(16, 2, bytes_of({0x00, 0x7c}));
  const UserMistake mistake = lucid::test::mistake_of([&] { decode("x.spz", gzip(raw)); });
  EXPECT_NE(mistake.what_happened.find("Gaussian 0 (from 0) is inf"), std::string::npos);
}

TEST(Spz, HalvesAreThoseOfLibtorch) {
  for (int bits = 0; bits < 65536; ++bits) {
    const std::array<uint8_t, 2> bytes = {static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)};
    const float expected = c10::Half(static_cast<uint16_t>(bits), c10::Half::from_bits());
    const float got = half(bytes.data());
    ASSERT_TRUE(got == expected || (std::isnan(got) && std::isnan(expected))) << bits;
  }
}

TEST(Spz, CoefficientsOfDegree4AreLeftOut) {
  std::string raw = bytes_of({'N', 'G', 'S', 'P', 3, 0, 0, 0, 2, 0, 0, 0, 4, 12, 0, 0});
  raw += std::string(2 * (9 + 1 + 3 + 3 + 4), '\0');
  for (int n = 0; n < 2; ++n) {
    for (int i = 0; i < 72; ++i) raw += static_cast<char>(128 + i + n);
  }
  const Cloud cloud = decode("x.spz", gzip(raw));
  ASSERT_EQ(cloud.sh_degree(), 3);
  EXPECT_EQ(cloud.sh_rest[0][14][2].item<float>(), 44 / 128.0f);
  EXPECT_EQ(cloud.sh_rest[1][0][0].item<float>(), 1 / 128.0f);
}

TEST(Spz, ExtensionsAreSkipped) {
  const std::string extension = bytes_of({7, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4});
  std::string raw = old_file(2) + extension;
  EXPECT_THROW(decode("x.spz", gzip(raw)), UserError);  // other bytes after the last Gaussian
  raw[14] = 2;
  EXPECT_EQ(decode("x.spz", gzip(raw)).count(), 1);

  std::string file = encode("x.spz", known_cloud(), {.version = 4});
  file.insert(32, extension);
  file[14] = 2;
  file[16] = static_cast<char>(32 + extension.size());
  EXPECT_EQ(decode("x.spz", file).count(), 2);
}

/// The error message for these bytes; "" if they are read.
std::string refusal(const std::string& bytes) {
  try {
    decode("x.spz", bytes);
  } catch (const UserError& error) {
    EXPECT_EQ(error.mistake().file, "x.spz");
    return error.what();
  }
  return "";
}
std::string with(std::string bytes, size_t at, int value) {
  bytes[at] = static_cast<char>(value);
  return bytes;
}

TEST(SpzHostile, LyingHeadersOfGzipFiles) {
  const std::string raw = old_file(2);
  ASSERT_EQ(refusal(gzip(raw)), "");
  const auto says = [&](size_t at, int value, const char* part) {
    EXPECT_NE(refusal(gzip(with(raw, at, value))).find(part), std::string::npos) << refusal(gzip(with(raw, at, value)));
  };
  says(0, 'X', "not an SPZ file");
  says(4, 0, "version 0");
  says(4, 4, "version 4");
  says(4, 9, "version 9");
  says(8, 0, "holds no Gaussians");
  says(8, 2, "ends after");
  says(11, 0x7f, "claims 2130706433 Gaussians");
  says(12, 1, "ends after");
  says(12, 5, "SH degree 5");
  says(13, 25, "25 fractional bits");
  EXPECT_NE(refusal(gzip("NGSP")), "");
  EXPECT_NE(refusal(gzip("")), "");
  EXPECT_NE(refusal(gzip(raw) + "x"), "");
  EXPECT_NE(refusal(raw).find("without its gzip"), std::string::npos);
}

TEST(SpzHostile, LyingHeadersAndTablesOfZstdFiles) {
  const std::string file = encode("x.spz", known_cloud(), {.version = 4});
  ASSERT_EQ(refusal(file), "");
  const auto says = [&](size_t at, int value, const char* part) {
    EXPECT_NE(refusal(with(file, at, value)).find(part), std::string::npos) << refusal(with(file, at, value));
  };
  says(8, 3, "declares 18 bytes for stream 0 instead of 27");
  says(11, 0x7f, "claims 2130706434 Gaussians");
  says(12, 2, "declares 18 bytes for stream 5 instead of 48");
  says(15, 5, "has 5 streams");
  says(16, 0, "table of contents at byte 0");
  says(19, 0xff, "table of contents at byte");
  says(32, 0xff, "stream 0");
  says(32 + 7, 0xff, "is cut short in stream 0");
  says(32 + 15, 0xff, "bytes for stream 0");
  EXPECT_NE(refusal(file + "x").find("1 bytes after its last stream"), std::string::npos);
}

TEST(SpzHostile, AStreamWithOtherContentsThanDeclared) {
  std::string file = encode("x.spz", known_cloud(), {.version = 4});
  // A frame of 1 MB of zeros in the place of the alphas: decompression stops at the declared 2 bytes.
  const std::string zeros(1 << 20, '\0');
  std::string frame(ZSTD_compressBound(zeros.size()), '\0');
  frame.resize(ZSTD_compress(frame.data(), frame.size(), zeros.data(), zeros.size(), 1));
  uint64_t first = 0, second = 0;
  std::memcpy(&first, file.data() + 32, 8);
  std::memcpy(&second, file.data() + 48, 8);
  file.replace(32 + 96 + first, second, frame);
  const uint64_t size = frame.size();
  std::memcpy(file.data() + 48, &size, 8);
  EXPECT_NE(refusal(file).find("more than the 2 bytes it declares"), std::string::npos) << refusal(file);
}

TEST(SpzHostile, EveryTruncationIsSeen) {
  for (const int version : {3, 4}) {
    const std::string file = encode("x.spz", known_cloud(), {.version = version});
    for (size_t length = 2; length < file.size(); ++length) EXPECT_NE(refusal(file.substr(0, length)), "") << length;
  }
}

}  // namespace
}  // namespace lucid::asset::spz
