// SPDX-License-Identifier: Apache-2.0
// Bounds of an object by quantiles weighted by opacity, and the cloud in its own box's coordinates.
#include "lucid/mesh/normalise.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "lucid/base/error.h"
#include "lucid/math/quaternion.h"
#include "lucid/math/sh.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {
namespace {

constexpr double kOutliers = 0.0005;  // share of the opacity beyond each side of the box
constexpr double kSceneSpread = 15;
constexpr float kSigmas = 3;     // extent of a Gaussian, standard deviations
constexpr float kMargin = 0.1f;  // of the longest side: how far outside the box a centre may lie

float axis_of(const Point& p, int axis) { return axis == 0 ? p.x : axis == 1 ? p.y : p.z; }
float& axis_of(Point& p, int axis) { return axis == 0 ? p.x : axis == 1 ? p.y : p.z; }

Point point_at(const float* values, int64_t i) { return {values[3 * i], values[3 * i + 1], values[3 * i + 2]}; }

struct Weighted {
  float value, weight;
};

/// The value below which `share` of the weight lies. `values` is sorted.
float quantile(const std::vector<Weighted>& values, double total, double share) {
  double sum = 0;
  for (const Weighted& each : values) {
    sum += each.weight;
    if (sum >= share * total) return each.value;
  }
  return values.back().value;
}

/// Standard deviations of a Gaussian along the world's axes.
Point deviations(const render::CloudView<float>& cloud, int64_t i) {
  const float* q = cloud.quats + 4 * i;
  float inverse_length = 0;
  const Mat3<float> r = rotation(normalized(Quat<float>{q[0], q[1], q[2], q[3]}, &inverse_length));
  const Point s = point_at(cloud.scales, i), a = s.x * r.c0, b = s.y * r.c1, c = s.z * r.c2;
  return {std::sqrt(a.x * a.x + b.x * b.x + c.x * c.x), std::sqrt(a.y * a.y + b.y * b.y + c.y * c.y),
          std::sqrt(a.z * a.z + b.z * b.z + c.z * c.z)};
}

float longest_side(const Box& box) {
  return std::max({box.high.x - box.low.x, box.high.y - box.low.y, box.high.z - box.low.z});
}

bool holds(const Box& box, const Point& p, float margin) {
  for (int axis = 0; axis < 3; ++axis) {
    const float x = axis_of(p, axis);
    if (!(x >= axis_of(box.low, axis) - margin && x <= axis_of(box.high, axis) + margin)) return false;
  }
  return true;
}

/// Indices of the Gaussians that a picture can show, with centres in `box` if there is one.
std::vector<int64_t> visible_in(const render::CloudView<float>& cloud, const std::optional<Box>& box) {
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < cloud.count; ++i) {
    if (cloud.opacities[i] >= static_cast<float>(render::kAlphaCut) &&
        (!box || holds(*box, point_at(cloud.means, i), 0)))
      kept.push_back(i);
  }
  if (kept.empty()) {
    throw UserError(box ? "has no Gaussian in the box that is opaque enough to be seen"
                        : "has no Gaussian that is opaque enough to be seen");
  }
  return kept;
}

Extent extent_of_kept(const render::CloudView<float>& cloud, const std::vector<int64_t>& kept) {
  std::vector<Point> sigma(kept.size());
  double total = 0;
  for (size_t k = 0; k < kept.size(); ++k) {
    sigma[k] = deviations(cloud, kept[k]);
    total += cloud.opacities[kept[k]];
  }
  Extent found;
  std::vector<Weighted> values(kept.size());
  const auto sorted = [&](int axis, float sigmas) -> const std::vector<Weighted>& {
    for (size_t k = 0; k < kept.size(); ++k) {
      values[k] = {axis_of(point_at(cloud.means, kept[k]), axis) + sigmas * axis_of(sigma[k], axis),
                   cloud.opacities[kept[k]]};
    }
    std::ranges::sort(values, {}, &Weighted::value);
    return values;
  };
  for (int axis = 0; axis < 3; ++axis) {
    axis_of(found.all.low, axis) = quantile(sorted(axis, -kSigmas), total, kOutliers);
    axis_of(found.all.high, axis) = quantile(sorted(axis, kSigmas), total, 1 - kOutliers);
    const std::vector<Weighted>& centres = sorted(axis, 0);
    axis_of(found.middle.low, axis) = quantile(centres, total, 0.25);
    axis_of(found.middle.high, axis) = quantile(centres, total, 0.75);
  }
  return found;
}

NormalisedCloud copied(const render::CloudView<float>& cloud, const std::vector<int64_t>& kept, const Extent& extent) {
  const Box& box = extent.all;
  NormalisedCloud result;
  result.extent = extent;
  result.source = kept;
  result.sh_degree = cloud.sh_degree;
  result.centre = 0.5f * (box.low + box.high);
  result.unit = longest_side(box) / 2;
  result.half_sides = (0.5f / result.unit) * (box.high - box.low);
  const int64_t coefficients = 3 * int64_t{sh_count(cloud.sh_degree)};
  for (const int64_t i : kept) {
    const Point mean = (1 / result.unit) * (point_at(cloud.means, i) - result.centre);
    const Point scale = (1 / result.unit) * point_at(cloud.scales, i);
    result.means.insert(result.means.end(), {mean.x, mean.y, mean.z});
    result.scales.insert(result.scales.end(), {scale.x, scale.y, scale.z});
    result.quats.insert(result.quats.end(), cloud.quats + 4 * i, cloud.quats + 4 * (i + 1));
    result.opacities.push_back(cloud.opacities[i]);
    result.sh.insert(result.sh.end(), cloud.sh + coefficients * i, cloud.sh + coefficients * (i + 1));
  }
  return result;
}

}  // namespace

render::CloudView<float> NormalisedCloud::view() const {
  return {.count = count(),
          .sh_degree = sh_degree,
          .means = means.data(),
          .scales = scales.data(),
          .quats = quats.data(),
          .opacities = opacities.data(),
          .sh = sh.data()};
}

double Extent::spread() const { return longest_side(all) / std::max(longest_side(middle), 1e-30f); }
bool Extent::is_scene() const { return spread() > kSceneSpread && longest_side(middle) > 0; }

Extent extent_of(const render::CloudView<float>& cloud) {
  return extent_of_kept(cloud, visible_in(cloud, std::nullopt));
}

NormalisedCloud normalise(const render::CloudView<float>& cloud, const std::optional<Box>& box) {
  std::vector<int64_t> kept = visible_in(cloud, box);
  const Extent found = extent_of_kept(cloud, kept);
  LUCID_CHECK(longest_side(found.all) > 0, "a box without extent");
  const float margin = kMargin * longest_side(found.all);
  std::erase_if(kept, [&](int64_t i) { return !holds(found.all, point_at(cloud.means, i), margin); });
  return copied(cloud, kept, found);
}

}  // namespace lucid::mesh
