// SPDX-License-Identifier: Apache-2.0
// Points to Gaussians; other numbers of Gaussians.
#include "lucid/start/point_gaussians.h"

#include <cmath>

#include "lucid/asset/splats/arrays.h"
#include "lucid/base/error.h"
#include "lucid/gaussians/starts.h"
#include "lucid/math/quaternion.h"
#include "lucid/math/sh.h"

namespace lucid::start {

using gaussians::Cloud;

namespace {

constexpr double kChildShrink = 1.6;  // as in densification

/// The shortest rotation from z to the unit vector n.
Quat<float> from_z_to(const mesh::Point& n) {
  constexpr float kOpposite = -0.999999F;
  if (n.z < kOpposite) return {0, 1, 0, 0};
  float inverse_length = 0;
  return normalized(Quat<float>{1 + n.z, -n.y, n.x, 0}, &inverse_length);
}

/// The numbers 0 to `count` - 1 in random order (Fisher and Yates).
std::vector<int64_t> shuffled(int64_t count, Rng& rng) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) order[static_cast<size_t>(i)] = i;
  for (int64_t i = count - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(rng.integer(0, i + 1))]);
  return order;
}

Cloud rows(const Cloud& cloud, const std::vector<int64_t>& source) {
  const torch::Tensor index = torch::tensor(source, torch::kInt64);
  Cloud result = cloud;  // with its screen filter
  const auto from = cloud.parameters();
  const auto to = result.parameters();
  for (size_t g = 0; g < from.size(); ++g) *to[g] = from[g]->index_select(0, index);
  return result;
}

/// The part of `cloud` from `first` on become children of what they are: moved inside their parent, and smaller.
void make_children(Cloud& cloud, int64_t first, Rng& rng) {
  const asset::CloudArrays a = asset::arrays_of(cloud);
  for (int64_t i = first; i < a.count; ++i) {
    const float* q = a.quats + 4 * i;
    float* scale = a.log_scales + 3 * i;
    double inverse_length = 0;
    const Quat<double> unit = normalized(Quat<double>{q[0], q[1], q[2], q[3]}, &inverse_length);
    const auto along = [&](int axis) { return rng.normal() * std::exp(double{scale[axis]}); };
    const double x = along(0), y = along(1), z = along(2);
    const Vec3<double> step = rotation(unit) * Vec3<double>{x, y, z};
    a.means[3 * i] += float(step.x), a.means[3 * i + 1] += float(step.y), a.means[3 * i + 2] += float(step.z);
    for (int axis = 0; axis < 3; ++axis) scale[axis] -= static_cast<float>(std::log(kChildShrink));
  }
}

}  // namespace

Cloud gaussians_at(const std::vector<mesh::Point>& positions, const std::vector<mesh::Point>& normals,
                   const std::vector<DisplayColour>& colours, const torch::Tensor& scales) {
  const torch::NoGradGuard no_grad;
  const auto count = static_cast<int64_t>(positions.size());
  LUCID_CHECK(scales.numel() == count && (normals.empty() || normals.size() == positions.size()) &&
                  (colours.empty() || colours.size() == positions.size()),
              "{} points, {} scales, {} normals, {} colours", count, scales.numel(), normals.size(), colours.size());
  Cloud cloud = asset::new_cloud(count, /*rest=*/0);
  const asset::CloudArrays a = asset::arrays_of(cloud);
  const torch::Tensor log_scales = scales.to(torch::kFloat32).log().contiguous();
  const float* in_plane = log_scales.data_ptr<float>();
  const auto flat = static_cast<float>(std::log(kFlatness));
  for (int64_t i = 0; i < count; ++i) {
    const auto row = static_cast<size_t>(i);
    const mesh::Point &p = positions[row], n = normals.empty() ? mesh::Point{} : normals[row];
    const bool is_flat = dot(n, n) > 0;
    const Quat<float> q = is_flat ? from_z_to(n) : Quat<float>{};
    std::ranges::copy(std::array{p.x, p.y, p.z}, a.means + 3 * i);
    std::ranges::copy(std::array{q.w, q.x, q.y, q.z}, a.quats + 4 * i);
    std::ranges::copy(std::array{in_plane[i], in_plane[i], in_plane[i] + (is_flat ? flat : 0)}, a.log_scales + 3 * i);
    a.logits[i] = asset::logit_of(kSurfaceOpacity);
    for (size_t c = 0; c < 3; ++c)
      a.dc[3 * row + c] = colours.empty() ? 0 : static_cast<float>((colours[row][c] - 0.5) / kSh0);
  }
  return cloud;
}

torch::Tensor scales_of_points(const std::vector<mesh::Point>& positions) {
  static_assert(sizeof(mesh::Point) == 3 * sizeof(float));
  const torch::NoGradGuard no_grad;
  const torch::Tensor means =
      torch::from_blob(const_cast<mesh::Point*>(positions.data()), {static_cast<int64_t>(positions.size()), 3});
  const torch::Tensor scales = gaussians::nearest_neighbour_log_scales(means).select(1, 0).exp();
  constexpr double kLargest = 10;  // medians
  return scales.clamp_max(kLargest * scales.median().item<double>());
}

Cloud resampled(const Cloud& cloud, int64_t count, Rng& rng) {
  const torch::NoGradGuard no_grad;
  Cloud result = cloud;
  if (count < cloud.count()) {
    std::vector<int64_t> kept = shuffled(cloud.count(), rng);
    kept.resize(static_cast<size_t>(count));
    std::ranges::sort(kept);
    result = rows(cloud, kept);
    result.log_scales.add_(0.5 * std::log(static_cast<double>(cloud.count()) / static_cast<double>(count)));
  }
  while (result.count() < count) {
    std::vector<int64_t> order = shuffled(result.count(), rng);
    const int64_t parents = std::min(count - result.count(), result.count()), rest = result.count() - parents;
    order.insert(order.end(), order.begin() + rest, order.begin() + rest + parents);  // each parent twice
    result = rows(result, order);
    make_children(result, rest, rng);
  }
  return result;
}

Cloud with_sh_degree(const Cloud& cloud, int degree) {
  const torch::NoGradGuard no_grad;
  const int64_t stored = cloud.sh_rest.size(1), wanted = sh_count(degree) - 1;
  Cloud result = cloud;
  if (stored > wanted) result.sh_rest = cloud.sh_rest.slice(1, 0, wanted).contiguous();
  if (stored < wanted)
    result.sh_rest = torch::cat({cloud.sh_rest, torch::zeros({cloud.count(), wanted - stored, 3})}, 1);
  return result;
}

}  // namespace lucid::start
