// SPDX-License-Identifier: Apache-2.0
// Density on a lattice: Gaussians are sorted into layers of samples; one thread adds up a layer, in the order of the
// Gaussians, so that the sums do not depend on the number of threads.
#include "lucid/mesh/surface/density_field.h"

#include <algorithm>
#include <cmath>

#include "lucid/base/parallel.h"
#include "lucid/math/quaternion.h"

namespace lucid::mesh {
namespace {

constexpr double kReach = 3;          // standard deviations
constexpr double kWidening = 0.4;     // added standard deviation, in units of the lattice's spacing
constexpr int kLayerSamples = 4;      // along z
constexpr double kMinOpacity = 1e-4;  // after the scaling; adds nothing that a level could see

/// A Gaussian in lattice coordinates, where the spacing is 1.
struct Splat {
  Vec3<double> mean;
  double xx = 0, xy = 0, xz = 0, yy = 0, yz = 0, zz = 0;  // inverse covariance
  double step = 0;                                        // exp(-xx)
  double opacity = 0;
  double reach_y = 0;          // half sides of the box around the ellipsoid
  int first_z = 0, end_z = 0;  // samples that it reaches; none if first_z >= end_z
};

Splat make_splat(const render::CloudView<float>& cloud, int64_t i, const Lattice& lattice) {
  const float *m = cloud.means + 3 * i, *s = cloud.scales + 3 * i, *q = cloud.quats + 4 * i;
  const double unit = 1.0 / double(lattice.spacing);
  Splat splat;
  splat.mean = {unit * (double(m[0]) - double(lattice.origin.x)), unit * (double(m[1]) - double(lattice.origin.y)),
                unit * (double(m[2]) - double(lattice.origin.z))};
  double inverse_length = 0, variance[3], share = 1;
  const Mat3<double> r = rotation(normalized(Quat<double>{q[0], q[1], q[2], q[3]}, &inverse_length));
  for (int k = 0; k < 3; ++k) {
    const double own = unit * unit * double(s[k]) * double(s[k]);
    variance[k] = own + kWidening * kWidening;
    share *= own / variance[k];
  }
  splat.opacity = double(cloud.opacities[i]) * std::sqrt(share);
  if (!(splat.opacity > kMinOpacity)) return splat;
  const auto entry = [&](double Vec3<double>::*a, double Vec3<double>::*b, bool inverse) {
    const auto term = [&](const Vec3<double>& axis, double v) { return axis.*a * (axis.*b) * (inverse ? 1 / v : v); };
    return term(r.c0, variance[0]) + term(r.c1, variance[1]) + term(r.c2, variance[2]);
  };
  using V = Vec3<double>;
  splat.xx = entry(&V::x, &V::x, true);
  splat.xy = entry(&V::x, &V::y, true);
  splat.xz = entry(&V::x, &V::z, true);
  splat.yy = entry(&V::y, &V::y, true);
  splat.yz = entry(&V::y, &V::z, true);
  splat.zz = entry(&V::z, &V::z, true);
  splat.step = std::exp(-splat.xx);
  splat.reach_y = kReach * std::sqrt(entry(&V::y, &V::y, false));
  const double reach_z = kReach * std::sqrt(entry(&V::z, &V::z, false));
  splat.first_z = int(std::clamp(std::ceil(splat.mean.z - reach_z), 0.0, double(lattice.size[2])));
  splat.end_z = int(std::clamp(std::floor(splat.mean.z + reach_z) + 1, 0.0, double(lattice.size[2])));
  return splat;
}

/// Adds a splat's values in the samples (0 … size_x - 1, y, z), which begin at `row`.
void add_row(const Splat& splat, double dy, double dz, int size_x, float* row) {
  // The exponent is -(xx dx^2 + 2 b dx + c) / 2.
  const double b = splat.xy * dy + splat.xz * dz;
  const double c = splat.yy * dy * dy + 2 * splat.yz * dy * dz + splat.zz * dz * dz;
  const double discriminant = b * b - splat.xx * (c - kReach * kReach);
  if (!(discriminant > 0)) return;
  const double middle = splat.mean.x - b / splat.xx, half = std::sqrt(discriminant) / splat.xx;
  const int first = int(std::clamp(std::ceil(middle - half), 0.0, double(size_x)));
  const int end = int(std::clamp(std::floor(middle + half) + 1, 0.0, double(size_x)));
  if (first >= end) return;
  // From one sample to the next, the value is multiplied by `ratio`, and `ratio` by a constant.
  const double dx = first - splat.mean.x;
  double value = splat.opacity * std::exp(-0.5 * (splat.xx * dx * dx + 2 * b * dx + c));
  double ratio = std::exp(-(splat.xx * (dx + 0.5) + b));
  for (int x = first; x < end; ++x) {
    row[x] += float(value);
    value *= ratio;
    ratio *= splat.step;
  }
}

/// For each layer of kLayerSamples samples along z, the splats that reach it, in ascending order.
std::vector<std::vector<int32_t>> sort_into_layers(const std::vector<Splat>& splats, int size_z) {
  std::vector<std::vector<int32_t>> layers(size_t((size_z + kLayerSamples - 1) / kLayerSamples));
  for (size_t i = 0; i < splats.size(); ++i) {
    if (splats[i].first_z >= splats[i].end_z) continue;
    for (int layer = splats[i].first_z / kLayerSamples; layer <= (splats[i].end_z - 1) / kLayerSamples; ++layer) {
      layers[size_t(layer)].push_back(int32_t(i));
    }
  }
  return layers;
}

}  // namespace

Field density_field(const render::CloudView<float>& cloud, const Lattice& lattice) {
  std::vector<Splat> splats(static_cast<size_t>(cloud.count));
  parallel_for(cloud.count, 1024, [&](int64_t i) { splats[size_t(i)] = make_splat(cloud, i, lattice); });
  const std::vector<std::vector<int32_t>> layers = sort_into_layers(splats, lattice.size[2]);
  Field field(static_cast<size_t>(lattice.count()), 0.0f);
  parallel_for(int64_t(layers.size()), 1, [&](int64_t layer) {
    const int begin = int(layer) * kLayerSamples, end = std::min(begin + kLayerSamples, lattice.size[2]);
    for (const int32_t i : layers[size_t(layer)]) {
      const Splat& splat = splats[size_t(i)];
      const int first_y = int(std::max(std::ceil(splat.mean.y - splat.reach_y), 0.0));
      const int end_y = int(std::min(std::floor(splat.mean.y + splat.reach_y) + 1, double(lattice.size[1])));
      for (int z = std::max(begin, splat.first_z); z < std::min(end, splat.end_z); ++z) {
        for (int y = first_y; y < end_y; ++y) {
          add_row(splat, y - splat.mean.y, z - splat.mean.z, lattice.size[0], &field[size_t(lattice.index(0, y, z))]);
        }
      }
    }
  });
  return field;
}

}  // namespace lucid::mesh
