// SPDX-License-Identifier: Apache-2.0
// Growth of a coarse cloud by random offsets in a small ball.
#include "lucid/pointe/grow.h"

#include <cmath>
#include <numbers>

#include "lucid/base/rng.h"

namespace lucid::pointe {
namespace {

using torch::Tensor;

constexpr double kRaise = 0.15, kBall = 0.05;
constexpr int64_t kWantedPerPoint = 5000;  // of the points wanted, for one copy of each point of the cloud

/// `count` different numbers of [0, size), in rising order.
Tensor picked(int64_t count, int64_t size, Rng& rng) {
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < size; ++i) {
    const int64_t wanted = count - static_cast<int64_t>(chosen.size());
    if (rng.integer(0, size - i) < wanted) chosen.push_back(i);
  }
  return torch::tensor(chosen, torch::kLong);
}

/// [n,3] points in the ball: radius and both angles uniform, as in the reference.
Tensor offsets_in_ball(int64_t n, Rng& rng) {
  Tensor offsets = torch::empty({n, 3});
  float* xyz = offsets.data_ptr<float>();
  for (int64_t i = 0; i < n; ++i) {
    const double theta = rng.uniform() * std::numbers::pi, phi = rng.uniform() * 2 * std::numbers::pi;
    const double radius = rng.uniform() * kBall;
    xyz[3 * i] = static_cast<float>(radius * std::sin(theta) * std::sin(phi));
    xyz[3 * i + 1] = static_cast<float>(radius * std::sin(theta) * std::cos(phi));
    xyz[3 * i + 2] = static_cast<float>(radius * std::cos(theta));
  }
  return offsets;
}

}  // namespace

Tensor to_world(const Tensor& xyz) {
  return xyz * torch::tensor({1.0F, -1.0F, 1.0F}) + torch::tensor({0.0F, 0.0F, static_cast<float>(kRaise)});
}

PointCloud grow(const PointCloud& cloud, const GrowOptions& options) {
  const int64_t size = cloud.xyz.size(0), copies = options.count / kWantedPerPoint;
  Rng rng(options.seed, "growth of a point cloud");
  if (copies == 0) {
    if (options.count >= size) return cloud;
    const Tensor rows = picked(options.count, size, rng);
    return {.xyz = cloud.xyz.index_select(0, rows), .rgb = cloud.rgb.index_select(0, rows)};
  }
  return {.xyz = cloud.xyz.repeat_interleave(copies, 0) + offsets_in_ball(size * copies, rng),
          .rgb = cloud.rgb.repeat_interleave(copies, 0)};
}

}  // namespace lucid::pointe
