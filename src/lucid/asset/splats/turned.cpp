// SPDX-License-Identifier: Apache-2.0
// Rotation of a cloud. SH coefficients of one degree are rotated among themselves by a matrix, which is computed from
// its definition: M_ij = integral over the sphere of Y_i(R d) Y_j(d).
#include <array>
#include <limits>
#include <vector>

#include "lucid/asset/splats/arrays.h"
#include "lucid/asset/splats/rotation_math.h"
#include "lucid/asset/splats/splats.h"
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

struct SphereNode {
  Vec3<double> direction;
  double weight;
};

/// A quadrature rule on the sphere that is exact for polynomials up to degree 7: Gauss-Legendre with 4 nodes in z,
/// 8 equidistant azimuths. Products of two SH of degree 3 are polynomials of degree 6.
std::vector<SphereNode> sphere_rule() {
  const double a = 3.0 / 7, b = 2.0 / 7 * std::sqrt(6.0 / 5), c = std::sqrt(30.0);
  const std::array<std::array<double, 2>, 4> legendre = {{{std::sqrt(a - b), (18 + c) / 36},
                                                          {-std::sqrt(a - b), (18 + c) / 36},
                                                          {std::sqrt(a + b), (18 - c) / 36},
                                                          {-std::sqrt(a + b), (18 - c) / 36}}};
  constexpr int kAzimuths = 8;
  std::vector<SphereNode> nodes;
  for (const auto& [z, weight] : legendre) {
    const double radius = std::sqrt(1 - z * z);
    for (int i = 0; i < kAzimuths; ++i) {
      const double phi = 2 * M_PI * i / kAzimuths;
      nodes.push_back({{radius * std::cos(phi), radius * std::sin(phi), z}, weight * 2 * M_PI / kAzimuths});
    }
  }
  return nodes;
}

/// M for degrees 0 to 3: block-diagonal, one block of 2l+1 rows a degree.
using ShRotation = std::array<std::array<double, kMaxShCount>, kMaxShCount>;
ShRotation sh_rotation(const Mat3<double>& rotation) {
  constexpr double kNoise = 1e-12;  // entries below are rounding errors of zeros
  ShRotation m{};
  for (const SphereNode& node : sphere_rule()) {
    double length = 0;
    std::array<double, kMaxShCount> before{}, after{};
    sh_basis(kMaxShDegree, node.direction, before.data());
    sh_basis(kMaxShDegree, normalized(rotation * node.direction, &length), after.data());
    for (int degree = 0; degree <= kMaxShDegree; ++degree) {
      for (int i = degree * degree; i < sh_count(degree); ++i) {
        for (int j = degree * degree; j < sh_count(degree); ++j) m[i][j] += node.weight * after[i] * before[j];
      }
    }
  }
  for (auto& row : m) {
    for (double& x : row) x = std::abs(x) < kNoise ? 0 : x;
  }
  return m;
}

/// Rounds to float. A sum of huge finite numbers stays finite.
float finite_float(double x) {
  constexpr double kLargest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(x, -kLargest, kLargest));
}

void turn_sh(const ShRotation& m, int degree, float* rest) {  // rest [(degree+1)^2-1,3]
  std::array<double, 3 * kMaxShCount> before{};
  std::copy_n(rest, 3 * (sh_count(degree) - 1), before.begin());
  for (int l = 1; l <= degree; ++l) {
    for (int i = l * l; i < sh_count(l); ++i) {
      for (int channel = 0; channel < 3; ++channel) {
        double sum = 0;
        for (int j = l * l; j < sh_count(l); ++j) sum += m[i][j] * before[3 * (j - 1) + channel];
        rest[3 * (i - 1) + channel] = finite_float(sum);
      }
    }
  }
}

}  // namespace

Mat3<double> from_lucid(Axes axes) {
  switch (axes) {
    case Axes::kLucid:
      return {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
    case Axes::kYUp:
      return {{-1, 0, 0}, {0, 0, 1}, {0, 1, 0}};  // (x, y, z) -> (-x, z, y)
    case Axes::kYDown:
      return {{-1, 0, 0}, {0, 0, -1}, {0, -1, 0}};  // (x, y, z) -> (-x, -z, -y)
  }
  LUCID_CHECK(false, "axes {}", static_cast<int>(axes));
  return {};
}

gaussians::Cloud turned(const gaussians::Cloud& cloud, const Mat3<double>& rotation) {
  const torch::NoGradGuard no_grad;
  const double off = distance_from_rotation(rotation);
  LUCID_CHECK(off < 1e-6, "no proper rotation: off by {}", off);
  const auto device = cloud.means.device();
  const int degree = cloud.sh_degree();
  gaussians::Cloud result = on_cpu(cloud);
  for (torch::Tensor* x : result.parameters()) *x = x->clone();
  const CloudArrays a = arrays_of(result);
  const Quat<double> turn = quaternion_of(rotation);
  const ShRotation m = sh_rotation(rotation);
  constexpr int64_t kGrain = 1024;
  parallel_for(a.count, kGrain, [&](int64_t i) {
    float* mean = a.means + 3 * i;
    const Vec3<double> to = rotation * Vec3<double>{mean[0], mean[1], mean[2]};
    mean[0] = finite_float(to.x), mean[1] = finite_float(to.y), mean[2] = finite_float(to.z);
    float* quat = a.quats + 4 * i;
    const bool zero = quat[0] == 0 && quat[1] == 0 && quat[2] == 0 && quat[3] == 0;  // stands for the identity
    const Quat<double> q = product(turn, {zero ? 1.0 : quat[0], quat[1], quat[2], quat[3]});
    quat[0] = finite_float(q.w), quat[1] = finite_float(q.x), quat[2] = finite_float(q.y), quat[3] = finite_float(q.z);
    turn_sh(m, degree, a.sh_rest + 3 * a.rest * i);
  });
  for (torch::Tensor* x : result.parameters()) *x = x->to(device);
  return result;
}

}  // namespace lucid::asset
