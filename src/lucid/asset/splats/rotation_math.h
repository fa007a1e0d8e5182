// SPDX-License-Identifier: Apache-2.0
// Rotations as matrices and as quaternions: conversion, product, transpose.
#pragma once

#include <algorithm>

#include "lucid/math/quaternion.h"

namespace lucid::asset {

inline Mat3<double> transposed(const Mat3<double>& m) {
  return {{m.c0.x, m.c1.x, m.c2.x}, {m.c0.y, m.c1.y, m.c2.y}, {m.c0.z, m.c1.z, m.c2.z}};
}

/// How far m is from a rotation: the sum of |m^T m - 1| over the upper triangle; infinite for a reflection or NaN.
inline double distance_from_rotation(const Mat3<double>& m) {
  const Mat3<double> product = transposed_times(m, m);
  const double off = std::abs(product.c0.x - 1) + std::abs(product.c1.y - 1) + std::abs(product.c2.z - 1) +
                     std::abs(product.c1.x) + std::abs(product.c2.x) + std::abs(product.c2.y);
  return dot(cross(m.c0, m.c1), m.c2) > 0 ? off : INFINITY;
}

/// The unit quaternion of a rotation matrix. The largest of the four components is computed first, because the others
/// are divided by it (Shepperd 1978).
inline Quat<double> quaternion_of(const Mat3<double>& r) {
  const double xx = r.c0.x, yy = r.c1.y, zz = r.c2.z, trace = xx + yy + zz;
  const double a = r.c1.z - r.c2.y, b = r.c2.x - r.c0.z, c = r.c0.y - r.c1.x;  // 4wx, 4wy, 4wz
  const double d = r.c0.y + r.c1.x, e = r.c0.z + r.c2.x, f = r.c1.z + r.c2.y;  // 4xy, 4xz, 4yz
  Quat<double> q;
  if (trace >= std::max({xx, yy, zz})) {
    q = {1 + trace, a, b, c};
  } else if (xx >= yy && xx >= zz) {
    q = {a, 1 + 2 * xx - trace, d, e};
  } else if (yy >= zz) {
    q = {b, d, 1 + 2 * yy - trace, f};
  } else {
    q = {c, e, f, 1 + 2 * zz - trace};
  }
  double inverse_length = 0;
  return normalized(q, &inverse_length);
}

/// The rotation b, then a.
inline Quat<double> product(const Quat<double>& a, const Quat<double>& b) {
  return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
          a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

}  // namespace lucid::asset
