// SPDX-License-Identifier: Apache-2.0
// Quaternions (w, x, y, z): normalisation, rotation matrix, and the gradient of both.
#pragma once

#include "lucid/math/vec.h"

namespace lucid {

template <class Real>
struct Quat {
  Real w = 1, x = 0, y = 0, z = 0;
};

/// Returns q / |q| and stores 1 / |q|. A zero quaternion stays zero; its rotation is the identity, its gradient zero.
template <class Real>
LUCID_INLINE Quat<Real> normalized(const Quat<Real>& q, Real* inverse_length) {
  const Real squared = q.w * q.w + q.x * q.x + q.y * q.y + q.z * q.z;
  const Real s = squared > 0 ? 1 / std::sqrt(squared) : Real(0);
  *inverse_length = s;
  return {s * q.w, s * q.x, s * q.y, s * q.z};
}

/// Rotation matrix of a unit quaternion.
template <class Real>
LUCID_INLINE Mat3<Real> rotation(const Quat<Real>& q) {
  const Real xx = q.x * q.x, yy = q.y * q.y, zz = q.z * q.z, xy = q.x * q.y, xz = q.x * q.z, yz = q.y * q.z;
  const Real wx = q.w * q.x, wy = q.w * q.y, wz = q.w * q.z;
  return {{1 - 2 * (yy + zz), 2 * (xy + wz), 2 * (xz - wy)},
          {2 * (xy - wz), 1 - 2 * (xx + zz), 2 * (yz + wx)},
          {2 * (xz + wy), 2 * (yz - wx), 1 - 2 * (xx + yy)}};
}

/// dL/dq of the quaternion before normalisation, from d = dL/dR. `unit` and `inverse_length` are normalized()'s
/// results.
template <class Real>
LUCID_INLINE Quat<Real> rotation_adjoint(const Quat<Real>& unit, Real inverse_length, const Mat3<Real>& d) {
  const Quat<Real>& q = unit;
  const Real a = d.c1.z - d.c2.y, b = d.c2.x - d.c0.z, c = d.c0.y - d.c1.x;  // antisymmetric part
  const Real e = d.c0.y + d.c1.x, f = d.c0.z + d.c2.x, g = d.c1.z + d.c2.y;  // symmetric part
  const Quat<Real> n{2 * (q.x * a + q.y * b + q.z * c), 2 * (q.w * a + q.y * e + q.z * f - 2 * q.x * (d.c1.y + d.c2.z)),
                     2 * (q.w * b + q.x * e + q.z * g - 2 * q.y * (d.c0.x + d.c2.z)),
                     2 * (q.w * c + q.x * f + q.y * g - 2 * q.z * (d.c0.x + d.c1.y))};
  const Real along = q.w * n.w + q.x * n.x + q.y * n.y + q.z * n.z;
  const Real s = inverse_length;
  return {s * (n.w - along * q.w), s * (n.x - along * q.x), s * (n.y - along * q.y), s * (n.z - along * q.z)};
}

}  // namespace lucid
