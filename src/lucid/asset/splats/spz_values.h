// SPDX-License-Identifier: Apache-2.0
// The quantised numbers of SPZ files: each function pair converts one quantity between its float value and its bytes.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include "lucid/asset/splats/arrays.h"

namespace lucid::asset::spz {

/// Positions: 24-bit two's complement, little-endian, in units of 2^-fractional_bits.
constexpr double kMostPosition = 8388607;  // 2^23 - 1
inline void put_position(double x, int fractional_bits, uint8_t* to) {
  const auto fixed = static_cast<uint32_t>(static_cast<int32_t>(std::round(std::ldexp(x, fractional_bits))));
  for (int i = 0; i < 3; ++i) to[i] = static_cast<uint8_t>(fixed >> (8 * i));
}
inline float position(const uint8_t* from, int fractional_bits) {
  const uint32_t high =
      static_cast<uint32_t>(from[0]) << 8 | static_cast<uint32_t>(from[1]) << 16 | static_cast<uint32_t>(from[2]) << 24;
  return static_cast<float>(std::ldexp(static_cast<int32_t>(high) / 256, -fractional_bits));
}

/// IEEE 754 half precision, little-endian (positions of version 1). May be Inf or NaN.
inline float half(const uint8_t* from) {
  const int bits = from[0] | from[1] << 8, exponent = bits >> 10 & 31, fraction = bits & 1023;
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == 31) return static_cast<float>(sign) * (fraction != 0 ? NAN : INFINITY);
  const double value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return static_cast<float>(sign * value);
}

inline uint8_t alpha_byte(float logit) { return to_byte(255 * opacity_of(logit)); }
inline float logit(uint8_t alpha) { return logit_of(alpha / 255.0); }

/// SH coefficient of degree 0: the byte covers -3.33 to 3.33.
constexpr double kColourScale = 0.15;
inline uint8_t colour_byte(float dc) { return to_byte(255 * (kColourScale * dc + 0.5)); }
inline float dc(uint8_t colour) { return static_cast<float>((colour / 255.0 - 0.5) / kColourScale); }

/// Logarithm of a scale: the byte covers -10 to 5.94 in steps of 1/16.
inline uint8_t scale_byte(float log_scale) { return to_byte(16 * (static_cast<double>(log_scale) + 10)); }
inline float log_scale(uint8_t scale) { return scale / 16.0f - 10; }

/// SH coefficients of degree 1 and more: the byte covers -1 to 0.99. Rounded to multiples of `bucket`, so that the file
/// compresses better.
constexpr double kShScale = 128;
inline uint8_t sh_byte(float coefficient, int bucket) {
  const double q = std::clamp(std::round(kShScale * coefficient) + kShScale, 0.0, 255.0);
  const int rounded = (static_cast<int>(q) + bucket / 2) / bucket * bucket;
  return static_cast<uint8_t>(std::min(rounded, 255));
}
inline float sh(uint8_t coefficient) { return static_cast<float>((coefficient - kShScale) / kShScale); }
/// The reference writer's buckets: 5 bits for degree 1 and 4 bits for higher degrees.
inline int sh_bucket(int64_t coefficient) { return coefficient < 3 ? 8 : 16; }

/// Rotations of versions 3 and 4, "smallest three": bits 31-30 are the index (x, y, z, w) of the component with the
/// largest magnitude, which is positive and left out. The other three follow in order: a sign bit and 9 bits of
/// magnitude, whose largest value 511 is sqrt(1/2).
constexpr uint32_t kMagnitude = 511;
inline uint32_t packed_rotation(const float* quat) {  // w,x,y,z
  const auto [w, x, y, z] = unit_quat(quat);
  const std::array<double, 4> q = {x, y, z, w};
  uint32_t largest = 0;
  for (uint32_t i = 1; i < 4; ++i) largest = std::abs(q[i]) > std::abs(q[largest]) ? i : largest;
  uint32_t bits = largest;
  for (uint32_t i = 0; i < 4; ++i) {
    if (i == largest) continue;
    const uint32_t negative = (q[i] < 0) != (q[largest] < 0) ? 1 : 0;
    const auto magnitude = static_cast<uint32_t>(kMagnitude * std::abs(q[i]) * M_SQRT2 + 0.5);
    bits = bits << 10 | negative << 9 | std::min(magnitude, kMagnitude);
  }
  return bits;
}
inline void unpack_rotation(uint32_t bits, float* quat) {  // w,x,y,z
  const uint32_t largest = bits >> 30;
  std::array<double, 4> q{};  // x,y,z,w
  double squared = 0;
  for (int i = 3; i >= 0; --i) {
    if (static_cast<uint32_t>(i) == largest) continue;
    q[i] = (bits & kMagnitude) / (kMagnitude * M_SQRT2) * ((bits >> 9 & 1) != 0 ? -1 : 1);
    squared += q[i] * q[i];
    bits >>= 10;
  }
  q[largest] = std::sqrt(std::max(0.0, 1 - squared));
  quat[0] = static_cast<float>(q[3]);
  for (int i = 0; i < 3; ++i) quat[1 + i] = static_cast<float>(q[i]);
}

/// Rotations of versions 1 and 2: bytes of x, y and z; w is positive and left out.
inline void unpack_rotation_bytes(const uint8_t* from, float* quat) {
  double squared = 0;
  for (int i = 0; i < 3; ++i) {
    const double q = from[i] / 127.5 - 1;
    squared += q * q;
    quat[1 + i] = static_cast<float>(q);
  }
  quat[0] = static_cast<float>(std::sqrt(std::max(0.0, 1 - squared)));
}

}  // namespace lucid::asset::spz
