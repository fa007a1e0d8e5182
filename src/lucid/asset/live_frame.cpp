// SPDX-License-Identifier: Apache-2.0
// Gaussians in Spark's 16 bytes: r g b a, x y z as halves, orientation as octahedral axis and angle, logarithmic
// scales.
#include "lucid/asset/live_frame.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <numbers>

#include "lucid/asset/splats/arrays.h"
#include "lucid/base/parallel.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

constexpr size_t kSplatBytes = 16;  // a Gaussian

uint8_t byte_of(double unit) { return static_cast<uint8_t>(std::lround(255 * std::clamp(unit, 0.0, 1.0))); }

/// Spark's logarithmic scales: 1 to 255 cover ln s from -12 to 9; 0 is for scales of zero.
uint8_t scale_byte(float log_scale) {
  constexpr double kLow = -12, kSpan = 21, kZero = -30;
  if (log_scale < kZero) return 0;
  return static_cast<uint8_t>(std::clamp(std::lround((log_scale - kLow) * 254 / kSpan) + 1, 1l, 255l));
}

struct Orientation {
  uint8_t u, v, angle;  // octahedral map of the rotation axis; the angle, 255 = pi
};

Orientation orientation_of(const float* quat) {
  double w = quat[0], x = quat[1], y = quat[2], z = quat[3];
  const double length = std::sqrt(w * w + x * x + y * y + z * z), sign = w < 0 ? -1 : 1;
  if (length > 0) {
    for (double* each : {&w, &x, &y, &z}) *each *= sign / length;
  } else {
    w = 1;
  }
  const double sine = std::sqrt(x * x + y * y + z * z);
  std::array<double, 3> axis = {1, 0, 0};
  if (sine >= 1e-6) axis = {x / sine, y / sine, z / sine};
  const double sum = std::abs(axis[0]) + std::abs(axis[1]) + std::abs(axis[2]);
  double p = axis[0] / sum, q = axis[1] / sum;
  if (axis[2] < 0) {  // the lower half folds over the diagonals
    const double folded = (1 - std::abs(q)) * (p >= 0 ? 1 : -1);
    q = (1 - std::abs(p)) * (q >= 0 ? 1 : -1);
    p = folded;
  }
  return {byte_of(p / 2 + 0.5), byte_of(q / 2 + 0.5), byte_of(2 * std::acos(std::min(w, 1.0)) / std::numbers::pi)};
}

void pack(const CloudArrays& cloud, int64_t i, char* out) {
  std::array<uint8_t, kSplatBytes> bytes{};
  for (size_t c = 0; c < 3; ++c) bytes[c] = byte_of(0.5 + kSh0 * static_cast<double>(cloud.dc[3 * i + c]));
  bytes[3] = byte_of(opacity_of(cloud.logits[i]));
  for (size_t axis = 0; axis < 3; ++axis) {
    const c10::Half half(cloud.means[3 * i + axis]);
    std::memcpy(&bytes[4 + 2 * axis], &half.x, sizeof(half.x));
  }
  const Orientation turn = orientation_of(cloud.quats + 4 * i);
  bytes[10] = turn.u;
  bytes[11] = turn.v;
  for (size_t axis = 0; axis < 3; ++axis) bytes[12 + axis] = scale_byte(cloud.log_scales[3 * i + axis]);
  bytes[15] = turn.angle;
  std::memcpy(out, bytes.data(), kSplatBytes);
}

}  // namespace

std::string live_frame(const gaussians::Cloud& cloud, LiveFrameHeader header) {
  const gaussians::Cloud here = on_cpu(cloud);
  const CloudArrays arrays = arrays_of(here);
  header.count = static_cast<uint32_t>(arrays.count);
  std::string frame(sizeof(header) + kSplatBytes * static_cast<size_t>(arrays.count), '\0');
  std::memcpy(frame.data(), &header, sizeof(header));
  char* splats = frame.data() + sizeof(header);
  parallel_for(arrays.count, 4096, [&](int64_t i) { pack(arrays, i, splats + kSplatBytes * static_cast<size_t>(i)); });
  return frame;
}

}  // namespace lucid::asset
