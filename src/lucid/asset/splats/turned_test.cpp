// SPDX-License-Identifier: Apache-2.0
// Tests of the rotation of clouds. Oracles: spherical harmonics evaluated at rotated directions, and pictures by a
// camera that turns with the cloud.
#include <limits>

#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/asset/splats/test_clouds.h"
#include "lucid/asset/test_files.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

using gaussians::Cloud;

Mat3<double> random_rotation(Rng& rng) {
  double inverse_length = 0;
  return rotation(normalized(Quat<double>{rng.normal(), rng.normal(), rng.normal(), rng.normal()}, &inverse_length));
}

/// Sum of coefficient times basis function of Gaussian `n`, for a colour channel.
double evaluated(const Cloud& cloud, int64_t n, int channel, const Vec3<double>& direction) {
  std::array<double, kMaxShCount> basis{};
  sh_basis(cloud.sh_degree(), direction, basis.data());
  double sum = basis[0] * cloud.sh_dc[n][0][channel].item<double>();
  for (int64_t k = 0; k < cloud.sh_rest.size(1); ++k) {
    sum += basis[k + 1] * cloud.sh_rest[n][k][channel].item<double>();
  }
  return sum;
}

TEST(Turned, HarmonicsAtTheTurnedDirectionAreTheOldOnes) {
  Rng rng(5, "turned", 0);
  for (int degree = 1; degree <= 3; ++degree) {
    const Cloud cloud = test::random_cloud(4, degree);
    for (int trial = 0; trial < 20; ++trial) {
      const Mat3<double> turn = random_rotation(rng);
      const Cloud after = turned(cloud, turn);
      double length = 0;
      const auto direction = normalized(Vec3<double>{rng.normal(), rng.normal(), rng.normal()}, &length);
      for (int64_t n = 0; n < cloud.count(); ++n) {
        const int channel = trial % 3;
        EXPECT_NEAR(evaluated(after, n, channel, turn * direction), evaluated(cloud, n, channel, direction), 1e-5);
      }
    }
  }
}

/// The camera after a rotation of the world: camera_from_world * inverse(rotation).
Camera turned_camera(Camera camera, const Mat3<double>& turn) {
  const auto before = camera.camera_from_world;
  for (int row = 0; row < 3; ++row) {
    const double* r = before.data() + 4 * row;
    const Vec3<double> after = turn * Vec3<double>{r[0], r[1], r[2]};
    camera.camera_from_world[4 * row] = after.x;
    camera.camera_from_world[4 * row + 1] = after.y;
    camera.camera_from_world[4 * row + 2] = after.z;
  }
  return camera;
}

TEST(Turned, CloudAndCameraTogetherGiveTheSamePicture) {
  Rng rng(6, "turned", 0);
  for (const auto& golden : test::golden_clouds()) {
    const Mat3<double> turn = random_rotation(rng);
    const torch::Tensor before = test::picture(golden.cloud, golden.camera, golden.background);
    const torch::Tensor after =
        test::picture(turned(golden.cloud, turn), turned_camera(golden.camera, turn), golden.background);
    EXPECT_GE(test::psnr(before, after), 50) << golden.name;
  }
}

TEST(Turned, AxesAreProperRotationsThatPutUpAndFrontWhereTheNamesSay) {
  const Vec3<double> up{0, 0, 1}, front{0, 1, 0};
  const auto expect = [](const Vec3<double>& got, const Vec3<double>& wanted) {
    EXPECT_EQ(got.x, wanted.x);
    EXPECT_EQ(got.y, wanted.y);
    EXPECT_EQ(got.z, wanted.z);
  };
  expect(from_lucid(Axes::kLucid) * up, up);
  expect(from_lucid(Axes::kLucid) * front, front);
  expect(from_lucid(Axes::kYUp) * up, {0, 1, 0});
  expect(from_lucid(Axes::kYUp) * front, {0, 0, 1});
  expect(from_lucid(Axes::kYDown) * up, {0, -1, 0});
  expect(from_lucid(Axes::kYDown) * front, {0, 0, -1});
  for (const Axes axes : {Axes::kLucid, Axes::kYUp, Axes::kYDown}) {
    EXPECT_EQ(distance_from_rotation(from_lucid(axes)), 0);
  }
}

TEST(Turned, ThereAndBackIsTheSameCloud) {
  const Cloud cloud = test::random_cloud(50, 3);
  for (const Axes axes : {Axes::kYUp, Axes::kYDown}) {
    const Cloud back = turned(turned(cloud, from_lucid(axes)), transposed(from_lucid(axes)));
    EXPECT_TRUE(torch::equal(back.means, cloud.means));
    EXPECT_TRUE(torch::equal(back.sh_dc, cloud.sh_dc));
    EXPECT_TRUE(torch::equal(back.log_scales, cloud.log_scales));
    EXPECT_TRUE(torch::equal(back.opacity_logits, cloud.opacity_logits));
    // A quaternion and its negative are the same rotation.
    const torch::Tensor sign = (back.quats * cloud.quats).sum(1, true).sign();
    EXPECT_LE(test::largest_difference(sign * back.quats, cloud.quats), 1e-6);
    EXPECT_LE(test::largest_difference(back.sh_rest, cloud.sh_rest), 2e-6);
  }
}

TEST(Turned, EveryBranchOfTheQuaternionOfAMatrix) {
  Rng rng(7, "turned", 0);
  double inverse_length = 0;
  for (int i = 0; i < 200; ++i) {
    Quat<double> q{0.2 * rng.normal(), 0.2 * rng.normal(), 0.2 * rng.normal(), 0.2 * rng.normal()};
    (i % 4 == 0 ? q.w : i % 4 == 1 ? q.x : i % 4 == 2 ? q.y : q.z) += 1;
    q = normalized(q, &inverse_length);
    const Quat<double> p = quaternion_of(rotation(q));
    EXPECT_NEAR(std::abs(q.w * p.w + q.x * p.x + q.y * p.y + q.z * p.z), 1, 1e-12);
  }
}

TEST(Turned, AZeroQuaternionTurnsAsTheIdentity) {
  Cloud zero = test::random_cloud(1, 0), identity = test::random_cloud(1, 0);
  zero.quats.zero_();
  identity.quats.zero_();
  identity.quats[0][0] = 1;
  EXPECT_TRUE(torch::equal(turned(zero, from_lucid(Axes::kYUp)).quats, turned(identity, from_lucid(Axes::kYUp)).quats));
}

TEST(Turned, HugeNumbersStayFiniteAndTheOriginalIsNotChanged) {
  Cloud cloud = test::random_cloud(2, 1);
  cloud.means.fill_(std::numeric_limits<float>::max());
  cloud.sh_rest.fill_(std::numeric_limits<float>::lowest());
  const Cloud before = {cloud.means.clone(),          cloud.sh_dc.clone(),      cloud.sh_rest.clone(),
                        cloud.opacity_logits.clone(), cloud.log_scales.clone(), cloud.quats.clone()};
  Rng rng(8, "turned", 0);
  const Cloud after = turned(cloud, random_rotation(rng));
  for (const torch::Tensor* x : after.parameters()) EXPECT_TRUE(x->isfinite().all().item<bool>());
  for (int g = 0; g < Cloud::kGroups; ++g) EXPECT_TRUE(torch::equal(*cloud.parameters()[g], *before.parameters()[g]));
}

TEST(Turned, AReflectionIsRefused) {
  const Cloud cloud = test::random_cloud(1, 0);
  EXPECT_THROW(turned(cloud, {{-1, 0, 0}, {0, 1, 0}, {0, 0, 1}}), std::logic_error);
  EXPECT_THROW(turned(cloud, {{2, 0, 0}, {0, 2, 0}, {0, 0, 2}}), std::logic_error);
  EXPECT_THROW(turned(cloud, {{1, 0, 0}, {0.1, 1, 0}, {0, 0, 1}}), std::logic_error);
}

}  // namespace
}  // namespace lucid::asset
