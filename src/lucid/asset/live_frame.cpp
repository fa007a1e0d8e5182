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
#include "lucid/base/error.h"
#include "lucid/base/parallel.h"
#include "lucid/math/sh.h"

namespace lucid::asset {
namespace {

uint8_t byte_of(double unit) { return to_byte(255 * unit); }

// Spark's logarithmic scales: 1 to 255 cover ln s from -12 to 9; 0 is for scales of zero.
constexpr double kLowScale = -12, kScaleSpan = 21, kZeroScale = -30;

uint8_t scale_byte(float log_scale) {
  if (log_scale < kZeroScale) return 0;
  return static_cast<uint8_t>(std::clamp(std::lround((log_scale - kLowScale) * 254 / kScaleSpan) + 1, 1l, 255l));
}

float log_scale_of_byte(uint8_t byte) {
  return static_cast<float>(byte == 0 ? kZeroScale : kLowScale + kScaleSpan * (byte - 1) / 254);
}

struct Orientation {
  uint8_t u, v, angle;  // octahedral map of the rotation axis; the angle, 255 = pi
};

Orientation orientation_of(const float* quat) {
  auto [w, x, y, z] = unit_quat(quat);
  if (w < 0) w = -w, x = -x, y = -y, z = -z;
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

void unpack_orientation(const Orientation& turn, float* quat) {
  double x = turn.u / 255.0 * 2 - 1, y = turn.v / 255.0 * 2 - 1;
  const double z = 1 - std::abs(x) - std::abs(y), fold = std::max(-z, 0.0);
  x += x >= 0 ? -fold : fold;
  y += y >= 0 ? -fold : fold;
  const double half = turn.angle / 255.0 * std::numbers::pi / 2;
  const double s = std::sin(half) / std::sqrt(x * x + y * y + z * z);
  quat[0] = static_cast<float>(std::cos(half));
  quat[1] = static_cast<float>(s * x);
  quat[2] = static_cast<float>(s * y);
  quat[3] = static_cast<float>(s * z);
}

void unpack(const char* from, const CloudArrays& cloud, int64_t i) {
  std::array<uint8_t, kLiveSplatBytes> bytes{};
  std::memcpy(bytes.data(), from, kLiveSplatBytes);
  for (size_t c = 0; c < 3; ++c) {
    cloud.dc[3 * i + c] = static_cast<float>((bytes[c] / 255.0 - 0.5) / kSh0);
    uint16_t half = 0;
    std::memcpy(&half, &bytes[4 + 2 * c], sizeof(half));
    cloud.means[3 * i + c] = c10::Half(half, c10::Half::from_bits());
    cloud.log_scales[3 * i + c] = log_scale_of_byte(bytes[12 + c]);
  }
  cloud.logits[i] = logit_of(bytes[3] / 255.0);
  unpack_orientation({bytes[10], bytes[11], bytes[15]}, cloud.quats + 4 * i);
}

void pack(const CloudArrays& cloud, int64_t i, char* out) {
  std::array<uint8_t, kLiveSplatBytes> bytes{};
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
  std::memcpy(out, bytes.data(), kLiveSplatBytes);
}

}  // namespace

std::string live_frame(const gaussians::Cloud& cloud, LiveFrameHeader header) {
  const gaussians::Cloud here = on_cpu(cloud);
  const CloudArrays arrays = arrays_of(here);
  header.count = static_cast<uint32_t>(arrays.count);
  std::string frame(sizeof(header) + kLiveSplatBytes * static_cast<size_t>(arrays.count), '\0');
  std::memcpy(frame.data(), &header, sizeof(header));
  char* splats = frame.data() + sizeof(header);
  parallel_for(arrays.count, 4096,
               [&](int64_t i) { pack(arrays, i, splats + kLiveSplatBytes * static_cast<size_t>(i)); });
  return frame;
}

gaussians::Cloud cloud_of_live_frame(const std::filesystem::path& file, std::string_view bytes) {
  const auto refuse = [&](const std::string& what) { throw UserError({.what_happened = what, .file = file.string()}); };
  const auto found = live_frame_header(bytes);
  if (!found)
    throw UserError({.what_happened = "is cut short: a live frame has a header of 32 bytes", .file = file.string()});
  const LiveFrameHeader& header = *found;
  if (header.version != LiveFrameHeader{}.version) refuse(fmt::format("is a live frame of version {}", header.version));
  if (header.count == 0) refuse("holds no Gaussians");
  if (bytes.size() != bytes_of(header)) {
    refuse(fmt::format("has {} bytes in place of {} for {} Gaussians", bytes.size(), bytes_of(header), header.count));
  }
  gaussians::Cloud cloud = new_cloud(header.count, 0);
  const CloudArrays arrays = arrays_of(cloud);
  const char* splats = bytes.data() + sizeof(header);
  for (int64_t i = 0; i < arrays.count; ++i) unpack(splats + kLiveSplatBytes * static_cast<size_t>(i), arrays, i);
  if (!cloud.means.isfinite().all().item<bool>()) refuse("has a position that is not finite");
  return cloud;
}

}  // namespace lucid::asset
