// SPDX-License-Identifier: Apache-2.0
// Tests of .splat files: the bytes of a known Gaussian, the quantisation of each field, the order of the rows.
#include "lucid/asset/splats/dot_splat.h"

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/base/error.h"
#include "mistakes.h"

namespace lucid::asset::dot_splat {
namespace {

using gaussians::Cloud;

Cloud known_cloud() {
  return {.means = torch::tensor({1.0f, -2.0f, 3.0f}).reshape({1, 3}),
          .sh_dc = torch::tensor({0.0f, 9.0f, 1.0f}).reshape({1, 1, 3}),
          .sh_rest = torch::zeros({1, 0, 3}),
          .opacity_logits = torch::zeros({1, 1}),
          .log_scales = torch::tensor({0.0f, std::log(0.5f), std::log(2.0f)}).reshape({1, 3}),
          .quats = torch::tensor({2.0f, 0.0f, -2.0f, 0.0f}).reshape({1, 4})};
}

TEST(DotSplat, TheBytesOfAKnownGaussian) {
  const std::string bytes = encode(known_cloud());
  ASSERT_EQ(bytes.size(), 32u);
  float numbers[6];
  std::memcpy(numbers, bytes.data(), sizeof numbers);
  const float expected[6] = {1, -2, 3, 1, 0.5f, 2};
  for (int i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(numbers[i], expected[i]);
  // 127.5, clamped, 255 * 0.78209; opacity 0.5; w = sqrt(1/2): 218.5, 0, -sqrt(1/2): 37.5, 0
  EXPECT_EQ(bytes.substr(24), std::string("\x80\xff\xc7\x80\xdb\x80\x25\x80", 8));
}

/// The row of `back` with the position of row n of `cloud`.
int64_t row_at(const Cloud& back, const torch::Tensor& mean) {
  return (back.means - mean).abs().sum(1).argmin().item<int64_t>();
}

TEST(DotSplat, EveryFieldIsExactToItsQuantisation) {
  Cloud cloud = test::random_cloud(300, 3);
  cloud.sh_dc = cloud.sh_dc.clamp(-1.7, 1.7);
  const Cloud back = decode("x.splat", encode(cloud));
  ASSERT_EQ(back.count(), 300);
  EXPECT_EQ(back.sh_degree(), 0);
  const torch::Tensor unit = cloud.quats / cloud.quats.norm(2, {1}, true);
  const torch::Tensor read = back.quats / back.quats.norm(2, {1}, true);
  for (int64_t n = 0; n < 300; ++n) {
    const int64_t m = row_at(back, cloud.means[n]);
    constexpr double kRounding = 1e-6;
    EXPECT_TRUE(torch::equal(back.means[m], cloud.means[n]));
    EXPECT_LE(test::largest_difference(back.log_scales[m], cloud.log_scales[n]), 1e-6);
    EXPECT_LE(test::largest_difference(back.sh_dc[m], cloud.sh_dc[n]), 0.5 / 255 / 0.28209479 + kRounding);
    EXPECT_LE(test::largest_difference(back.opacity_logits[m].sigmoid(), cloud.opacity_logits[n].sigmoid()),
              0.5 / 255 + kRounding);
    // Half a step of 1/128 in each of 4 components, and one step where 128 q + 128 = 256 is clipped.
    EXPECT_GE((unit[n] * read[m]).sum().abs().item<double>(), 1 - 0.5 * 7 * std::pow(0.5 / 128, 2));
  }
}

TEST(DotSplat, TheMostImportantGaussianComesFirst) {
  Cloud cloud = test::random_cloud(100, 0);
  const Cloud back = decode("x.splat", encode(cloud));
  const torch::Tensor importance = back.log_scales.sum(1).exp() * back.opacity_logits.squeeze(1).sigmoid();
  const torch::Tensor step = importance.narrow(0, 1, 99) - importance.narrow(0, 0, 99);
  // Opacities were rounded to 1/255 after the sort.
  EXPECT_LE((step / importance.narrow(0, 0, 99)).max().item<double>(), 0.1);
  EXPECT_EQ(importance.argmax().item<int64_t>(), 0);
}

TEST(DotSplat, BadRowsAreNamed) {
  const std::string row = encode(known_cloud());
  const auto message = [](const std::string& bytes) {
    const UserMistake mistake = lucid::test::mistake_of([&] { decode("x.splat", bytes); });
    EXPECT_EQ(mistake.file, "x.splat");
    return mistake.what_happened;
  };
  const auto changed = [&](size_t at, float value) {
    std::string bytes = row + row;
    std::memcpy(bytes.data() + 32 + at, &value, sizeof value);
    return bytes;
  };
  EXPECT_NE(message(changed(8, NAN)).find("position.z of row 1 (from 0) is nan"), std::string::npos);
  EXPECT_NE(message(changed(12, INFINITY)).find("scale.x of row 1 (from 0) is inf"), std::string::npos);
  EXPECT_NE(message(changed(16, -1)).find("scale.y of row 1 (from 0) is -1"), std::string::npos);
  for (size_t length = 1; length < 32; ++length) {
    EXPECT_NE(message(row.substr(0, length)).find("no multiple of 32"), std::string::npos);
  }
  EXPECT_EQ(message(""), "holds no Gaussians");
  EXPECT_TRUE(std::isfinite(decode("x.splat", changed(16, 0)).log_scales[1][1].item<float>()));
}

}  // namespace
}  // namespace lucid::asset::dot_splat
