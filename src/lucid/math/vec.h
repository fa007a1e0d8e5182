// SPDX-License-Identifier: Apache-2.0
// Small vectors and matrices for projecting Gaussians: plain aggregates, usable from host and device.
#pragma once

#include <cmath>

#include "lucid/base/inline.h"

namespace lucid {

template <class Real>
struct Vec2 {
  Real x = 0, y = 0;
};

template <class Real>
struct Vec3 {
  Real x = 0, y = 0, z = 0;
};

template <class Real>
struct Sym2 {  // symmetric 2x2 matrix [[xx, xy], [xy, yy]]
  Real xx = 0, xy = 0, yy = 0;
};

template <class Real>
struct Mat3 {  // 3x3 matrix by columns: scaling an axis of a frame scales one member
  Vec3<Real> c0, c1, c2;
};

template <class Real>
LUCID_INLINE Vec3<Real> operator+(const Vec3<Real>& a, const Vec3<Real>& b) {
  return {a.x + b.x, a.y + b.y, a.z + b.z};
}
template <class Real>
LUCID_INLINE Vec3<Real> operator-(const Vec3<Real>& a, const Vec3<Real>& b) {
  return {a.x - b.x, a.y - b.y, a.z - b.z};
}
template <class Real>
LUCID_INLINE Vec3<Real> operator*(Real s, const Vec3<Real>& a) {
  return {s * a.x, s * a.y, s * a.z};
}
template <class Real>
LUCID_INLINE Real dot(const Vec3<Real>& a, const Vec3<Real>& b) {
  return a.x * b.x + a.y * b.y + a.z * b.z;
}
template <class Real>
LUCID_INLINE Vec3<Real> cross(const Vec3<Real>& a, const Vec3<Real>& b) {
  return {a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

template <class Real>
LUCID_INLINE Vec3<Real> operator*(const Mat3<Real>& m, const Vec3<Real>& v) {
  return v.x * m.c0 + v.y * m.c1 + v.z * m.c2;
}
/// m^T v.
template <class Real>
LUCID_INLINE Vec3<Real> transposed_times(const Mat3<Real>& m, const Vec3<Real>& v) {
  return {dot(m.c0, v), dot(m.c1, v), dot(m.c2, v)};
}
template <class Real>
LUCID_INLINE Mat3<Real> operator*(const Mat3<Real>& a, const Mat3<Real>& b) {
  return {a * b.c0, a * b.c1, a * b.c2};
}
/// a^T b.
template <class Real>
LUCID_INLINE Mat3<Real> transposed_times(const Mat3<Real>& a, const Mat3<Real>& b) {
  return {transposed_times(a, b.c0), transposed_times(a, b.c1), transposed_times(a, b.c2)};
}

/// Returns v / |v| and stores |v|. A zero vector gives (0, 0, 1).
template <class Real>
LUCID_INLINE Vec3<Real> normalized(const Vec3<Real>& v, Real* length) {
  *length = std::sqrt(dot(v, v));
  return *length > 0 ? (1 / *length) * v : Vec3<Real>{0, 0, 1};
}
/// dL/dv = (d_unit - unit (unit . d_unit)) / |v|; zero for a zero vector.
template <class Real>
LUCID_INLINE Vec3<Real> normalized_adjoint(const Vec3<Real>& unit, Real length, const Vec3<Real>& d_unit) {
  return length > 0 ? (1 / length) * (d_unit - dot(unit, d_unit) * unit) : Vec3<Real>{};
}

}  // namespace lucid
