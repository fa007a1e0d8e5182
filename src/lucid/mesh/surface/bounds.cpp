// SPDX-License-Identifier: Apache-2.0
// The box around the extreme points of those Gaussians that the pictures show.
#include "lucid/mesh/surface/bounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lucid/math/quaternion.h"
#include "lucid/render/constants.h"

namespace lucid::mesh {
namespace {

constexpr float kMinAlpha = 0.15f;                       // no level of the hull is that low
constexpr std::array<float, 4> kReaches = {3, 2, 1, 0};  // standard deviations, tried in this order
constexpr int kMargin = 2;                               // cells at each side

/// The point of the ellipsoid of one standard deviation that lies farthest along an axis, from its centre.
Point extreme_point(const Mat3<float>& axes, const Point& scale, size_t axis) {
  const auto component = [&](const Point& v) { return axis == 0 ? v.x : axis == 1 ? v.y : v.z; };
  const float a = scale.x * component(axes.c0), b = scale.y * component(axes.c1), c = scale.z * component(axes.c2);
  const float deviation = std::sqrt(a * a + b * b + c * c);
  if (!(deviation > 0)) return {};
  return (1 / deviation) * (a * scale.x * axes.c0 + b * scale.y * axes.c1 + c * scale.z * axes.c2);
}

}  // namespace

Lattice lattice_around(const render::CloudView<float>& cloud, const Hull& hull, int resolution) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::array<float, 3> low{kInfinity, kInfinity, kInfinity}, high{-kInfinity, -kInfinity, -kInfinity};
  for (int64_t i = 0; i < cloud.count; ++i) {
    if (cloud.opacities[i] < float(render::kAlphaCut)) continue;
    const float *m = cloud.means + 3 * i, *s = cloud.scales + 3 * i, *q = cloud.quats + 4 * i;
    const Point mean{m[0], m[1], m[2]}, scale{s[0], s[1], s[2]};
    float inverse_length = 0;
    const Mat3<float> axes = rotation(normalized(Quat<float>{q[0], q[1], q[2], q[3]}, &inverse_length));
    for (size_t axis = 0; axis < 3; ++axis) {
      const Point extreme = extreme_point(axes, scale, axis);
      for (const float side : {-1.0f, 1.0f}) {
        for (const float reach : kReaches) {
          const Point at = mean + side * reach * extreme;
          const float x = axis == 0 ? at.x : axis == 1 ? at.y : at.z;
          if (x >= low[axis] && x <= high[axis]) break;  // nearer points are inside as well
          if (hull.alpha(at, kMinAlpha) < kMinAlpha) continue;
          low[axis] = std::min(low[axis], x);
          high[axis] = std::max(high[axis], x);
          break;
        }
      }
    }
  }
  Lattice lattice;
  float longest = 0;
  for (size_t axis = 0; axis < 3; ++axis) longest = std::max(longest, high[axis] - low[axis]);
  if (!(longest > 0 && longest < kInfinity)) return lattice;
  lattice.spacing = longest / float(resolution);
  lattice.origin = Point{low[0], low[1], low[2]} - float(kMargin) * lattice.spacing * Point{1, 1, 1};
  for (size_t axis = 0; axis < 3; ++axis) {
    lattice.size[axis] = int(std::ceil((high[axis] - low[axis]) / lattice.spacing)) + 2 * kMargin + 1;
  }
  return lattice;
}

}  // namespace lucid::mesh
