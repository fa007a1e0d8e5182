// SPDX-License-Identifier: Apache-2.0
// Live frames, decoded by the rules that Spark documents for its PackedSplats.
#include "lucid/asset/live_frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "lucid/asset/splats/splats.h"
#include "lucid/base/atomic_file.h"
#include "lucid/base/error.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

/// The rotation that Spark reads from bytes u, v and angle: octahedral axis, 255 = pi.
std::array<double, 4> decoded_quaternion(uint8_t u, uint8_t v, uint8_t angle) {
  double x = u / 255.0 * 2 - 1, y = v / 255.0 * 2 - 1;
  const double z = 1 - std::abs(x) - std::abs(y), below = std::max(-z, 0.0);
  x += x >= 0 ? -below : below;
  y += y >= 0 ? -below : below;
  const double length = std::sqrt(x * x + y * y + z * z), half = angle / 255.0 * M_PI / 2;
  const double s = std::sin(half) / length;
  return {std::cos(half), s * x, s * y, s * z};
}

TEST(LiveFrame, HoldsWhatSparkReads) {
  constexpr int64_t kCount = 500;
  torch::manual_seed(3);
  gaussians::Cloud cloud{.means = torch::rand({kCount, 3}) * 4 - 2,
                         .sh_dc = torch::randn({kCount, 1, 3}),
                         .sh_rest = torch::randn({kCount, 3, 3}),
                         .opacity_logits = torch::randn({kCount, 1}) * 3,
                         .log_scales = torch::rand({kCount, 3}) * 12 - 11,
                         .quats = torch::randn({kCount, 4})};
  cloud.quats[0] = torch::zeros({4});                         // the identity
  cloud.quats[1] = torch::tensor({-2.0f, 0.0f, 0.0f, 0.0f});  // the identity, negative and not of unit length
  cloud.log_scales[0] = torch::full({3}, -40.0f);             // flat
  const std::string frame = live_frame(cloud, {.number = 7, .step = 30, .steps = 600});
  LiveFrameHeader header;
  ASSERT_EQ(frame.size(), sizeof(header) + 16 * kCount);
  std::memcpy(&header, frame.data(), sizeof(header));
  EXPECT_EQ(std::string(header.magic, 4), "LSPL");
  EXPECT_EQ(header.number, 7u);
  EXPECT_EQ(header.step, 30u);
  EXPECT_EQ(header.steps, 600u);
  EXPECT_EQ(header.count, kCount);
  for (int64_t i = 0; i < kCount; ++i) {
    uint8_t bytes[16];
    std::memcpy(bytes, frame.data() + sizeof(header) + 16 * i, sizeof(bytes));
    for (int64_t c = 0; c < 3; ++c) {
      const double colour = std::clamp(0.5 + kSh0 * cloud.sh_dc[i][0][c].item<double>(), 0.0, 1.0);
      EXPECT_NEAR(bytes[c] / 255.0, colour, 0.51 / 255);
      uint16_t half = 0;
      std::memcpy(&half, bytes + 4 + 2 * c, sizeof(half));
      EXPECT_NEAR(static_cast<float>(c10::Half(half, c10::Half::from_bits())), cloud.means[i][c].item<float>(), 1.1e-3);
      const float log_scale = cloud.log_scales[i][c].item<float>();
      if (log_scale < -30) {
        EXPECT_EQ(bytes[12 + c], 0);
      } else {
        EXPECT_NEAR(-12 + 21.0 * (bytes[12 + c] - 1) / 254, log_scale, 0.51 * 21 / 254);
      }
    }
    EXPECT_NEAR(bytes[3] / 255.0, torch::sigmoid(cloud.opacity_logits[i][0]).item<double>(), 0.51 / 255);
    const auto q = decoded_quaternion(bytes[10], bytes[11], bytes[15]);
    const torch::Tensor truth =
        i < 2 ? torch::tensor({1.0f, 0.0f, 0.0f, 0.0f})
              : torch::nn::functional::normalize(cloud.quats[i], torch::nn::functional::NormalizeFuncOptions().dim(0));
    double along = 0;
    for (size_t k = 0; k < 4; ++k) along += q[k] * truth[static_cast<int64_t>(k)].item<double>();
    EXPECT_GT(std::abs(along), std::cos(2 * M_PI / 180 / 2)) << i;  // within 2 degrees
  }
}

/// A live frame is read as a file of Gaussians; what is cut short or of another version is refused.
TEST(LiveFrame, IsReadBack) {
  const lucid::test::TemporaryFolder temporary;
  const std::filesystem::path& folder = temporary.path;
  torch::manual_seed(4);
  const gaussians::Cloud cloud{.means = torch::rand({300, 3}) * 2 - 1,
                               .sh_dc = torch::rand({300, 1, 3}) * 2 - 1,
                               .sh_rest = torch::zeros({300, 0, 3}),
                               .opacity_logits = torch::randn({300, 1}) * 2,
                               .log_scales = torch::rand({300, 3}) * 4 - 7,
                               .quats = torch::nn::functional::normalize(torch::randn({300, 4}))};
  const std::string frame = live_frame(cloud, {});
  write_file(folder / "a.lsplat", frame);
  const gaussians::Cloud back = read_splats(folder / "a.lsplat");
  ASSERT_EQ(back.count(), 300);
  const auto most = [](const torch::Tensor& a, const torch::Tensor& b) { return (a - b).abs().max().item<double>(); };
  EXPECT_LT(most(back.means, cloud.means), 3e-4);
  EXPECT_LT(most(back.sh_dc, cloud.sh_dc), 0.51 / 255 / kSh0);
  EXPECT_LT(most(torch::sigmoid(back.opacity_logits), torch::sigmoid(cloud.opacity_logits)), 0.51 / 255);
  EXPECT_LT(most(back.log_scales, cloud.log_scales), 0.51 * 21 / 254);
  EXPECT_GT((back.quats * cloud.quats).sum(1).abs().min().item<double>(), std::cos(M_PI / 180));
  std::string other = frame;
  other[4] = 2;  // version
  for (const std::string& bad : {frame.substr(0, 20), frame.substr(0, frame.size() - 1), frame + "x", other}) {
    write_file(folder / "bad.lsplat", bad);
    EXPECT_THROW(read_splats(folder / "bad.lsplat"), UserError);
  }
}

}  // namespace
}  // namespace lucid::asset
