// SPDX-License-Identifier: Apache-2.0
// Tests of rotations and spherical harmonics: orthonormality, and gradients against central differences.
#include <gtest/gtest.h>

#include <numbers>

#include "lucid/base/rng.h"
#include "lucid/math/quaternion.h"
#include "lucid/math/sh.h"

namespace lucid {
namespace {

constexpr double kStep = 1e-6;

Quat<double> random_quat(Rng& rng) { return {rng.normal(), rng.normal(), rng.normal(), rng.normal()}; }
Vec3<double> random_vec(Rng& rng) { return {rng.normal(), rng.normal(), rng.normal()}; }

Mat3<double> rotation_of(const Quat<double>& q) {
  double inverse = 0;
  return rotation(normalized(q, &inverse));
}

TEST(Quaternion, IsARotation) {
  Rng rng(0, "quaternion");
  for (int trial = 0; trial < 50; ++trial) {
    const Mat3<double> r = rotation_of(random_quat(rng));
    EXPECT_NEAR(dot(r.c0, r.c0), 1, 1e-14);
    EXPECT_NEAR(dot(r.c1, r.c1), 1, 1e-14);
    EXPECT_NEAR(dot(r.c0, r.c1), 0, 1e-14);
    EXPECT_NEAR(dot(cross(r.c0, r.c1), r.c2), 1, 1e-14);
  }
  const double half = std::numbers::pi / 4;  // a quarter turn about z takes x to y
  const Vec3<double> turned = rotation_of({std::cos(half), 0, 0, std::sin(half)}) * Vec3<double>{1, 0, 0};
  EXPECT_NEAR(turned.x, 0, 1e-15);
  EXPECT_NEAR(turned.y, 1, 1e-15);
}

TEST(Quaternion, ZeroIsTheIdentityWithoutGradient) {
  double inverse = 1;
  const Quat<double> unit = normalized(Quat<double>{0, 0, 0, 0}, &inverse);
  const Mat3<double> r = rotation(unit);
  EXPECT_EQ(r.c0.x, 1);
  EXPECT_EQ(r.c1.y, 1);
  EXPECT_EQ(rotation_adjoint(unit, inverse, r).w, 0);
}

TEST(Quaternion, AdjointMatchesDifferences) {
  Rng rng(1, "quaternion");
  for (int trial = 0; trial < 20; ++trial) {
    const Quat<double> q = random_quat(rng);
    const Mat3<double> d{random_vec(rng), random_vec(rng), random_vec(rng)};
    const auto loss = [&](const Quat<double>& p) {
      const Mat3<double> r = rotation_of(p);
      return dot(d.c0, r.c0) + dot(d.c1, r.c1) + dot(d.c2, r.c2);
    };
    double inverse = 0;
    const Quat<double> unit = normalized(q, &inverse);
    const Quat<double> got = rotation_adjoint(unit, inverse, d);
    const double gradient[4] = {got.w, got.x, got.y, got.z};
    for (int k = 0; k < 4; ++k) {
      double up[4] = {q.w, q.x, q.y, q.z}, down[4] = {q.w, q.x, q.y, q.z};
      up[k] += kStep;
      down[k] -= kStep;
      const double expected =
          (loss({up[0], up[1], up[2], up[3]}) - loss({down[0], down[1], down[2], down[3]})) / (2 * kStep);
      EXPECT_NEAR(gradient[k], expected, 1e-7 * (1 + std::abs(expected)));
    }
  }
}

TEST(SphericalHarmonics, AreOrthonormalOnTheSphere) {
  double gram[kMaxShCount][kMaxShCount] = {};
  const int rings = 64, spokes = 64;  // midpoint rule in cos(theta) and phi
  for (int i = 0; i < rings; ++i) {
    for (int j = 0; j < spokes; ++j) {
      const double z = -1 + (2 * i + 1.0) / rings, phi = 2 * std::numbers::pi * j / spokes, r = std::sqrt(1 - z * z);
      double b[kMaxShCount];
      sh_basis(kMaxShDegree, Vec3<double>{r * std::cos(phi), r * std::sin(phi), z}, b);
      for (int k = 0; k < kMaxShCount; ++k)
        for (int l = 0; l < kMaxShCount; ++l) gram[k][l] += b[k] * b[l] * 4 * std::numbers::pi / (rings * spokes);
    }
  }
  for (int k = 0; k < kMaxShCount; ++k)
    for (int l = 0; l < kMaxShCount; ++l) EXPECT_NEAR(gram[k][l], k == l ? 1 : 0, 5e-3) << k << ' ' << l;
}

TEST(SphericalHarmonics, DirectionGradientMatchesDifferences) {
  Rng rng(2, "sh");
  for (int degree = 0; degree <= kMaxShDegree; ++degree) {
    for (int trial = 0; trial < 10; ++trial) {
      double weights[kMaxShCount] = {}, b[kMaxShCount] = {};
      for (int k = 0; k < sh_count(degree); ++k) weights[k] = rng.normal();
      const Vec3<double> n = random_vec(rng);
      const auto value = [&](const Vec3<double>& at) {
        double sum = 0;
        sh_basis(degree, at, b);
        for (int k = 0; k < sh_count(degree); ++k) sum += weights[k] * b[k];
        return sum;
      };
      const Vec3<double> got = sh_direction_gradient(degree, n, weights);
      const Vec3<double> steps[3] = {{kStep, 0, 0}, {0, kStep, 0}, {0, 0, kStep}};
      const double gradient[3] = {got.x, got.y, got.z};
      for (int k = 0; k < 3; ++k) {
        const double expected = (value(n + steps[k]) - value(n - steps[k])) / (2 * kStep);
        EXPECT_NEAR(gradient[k], expected, 1e-6 * (1 + std::abs(expected)));
      }
    }
  }
}

}  // namespace
}  // namespace lucid
