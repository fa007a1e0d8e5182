// SPDX-License-Identifier: Apache-2.0
// Real spherical harmonics up to degree 3, with the order and signs of 3D Gaussian Splatting (Kerbl et al. 2023), and
// their gradient with respect to the direction.
#pragma once

#include "lucid/math/vec.h"

namespace lucid {

inline constexpr int kMaxShDegree = 3;
/// The number of basis functions of degrees 0 to `degree`.
LUCID_INLINE constexpr int sh_count(int degree) { return (degree + 1) * (degree + 1); }
inline constexpr int kMaxShCount = sh_count(kMaxShDegree);

// Normalisation factors of the basis functions, by degree: the integral of Y^2 over the sphere is 1.
inline constexpr double kSh0 = 0.28209479177387814, kSh1 = 0.4886025119029199;
inline constexpr double kSh2a = 1.0925484305920792, kSh2b = 0.31539156525252005, kSh2c = 0.5462742152960396;
inline constexpr double kSh3a = 0.5900435899266435, kSh3b = 2.890611442640554, kSh3c = 0.4570457994644658,
                        kSh3d = 0.3731763325901154, kSh3e = 1.445305721320277;

/// Writes the sh_count(degree) basis functions Y_k at the unit direction `n`.
template <class Real>
LUCID_INLINE void sh_basis(int degree, const Vec3<Real>& n, Real* basis) {
  basis[0] = Real(kSh0);
  if (degree < 1) return;
  const Real x = n.x, y = n.y, z = n.z;
  basis[1] = -Real(kSh1) * y;
  basis[2] = Real(kSh1) * z;
  basis[3] = -Real(kSh1) * x;
  if (degree < 2) return;
  const Real xx = x * x, yy = y * y, zz = z * z;
  basis[4] = Real(kSh2a) * x * y;
  basis[5] = -Real(kSh2a) * y * z;
  basis[6] = Real(kSh2b) * (2 * zz - xx - yy);
  basis[7] = -Real(kSh2a) * x * z;
  basis[8] = Real(kSh2c) * (xx - yy);
  if (degree < 3) return;
  basis[9] = -Real(kSh3a) * y * (3 * xx - yy);
  basis[10] = Real(kSh3b) * x * y * z;
  basis[11] = -Real(kSh3c) * y * (4 * zz - xx - yy);
  basis[12] = Real(kSh3d) * z * (2 * zz - 3 * xx - 3 * yy);
  basis[13] = -Real(kSh3c) * x * (4 * zz - xx - yy);
  basis[14] = Real(kSh3e) * z * (xx - yy);
  basis[15] = -Real(kSh3a) * x * (xx - 3 * yy);
}

/// Sum over k of w[k] * dY_k/dn. Y_k is differentiated as the polynomial of sh_basis(), without projection to the
/// sphere's tangent; normalized_adjoint() does that.
template <class Real>
LUCID_INLINE Vec3<Real> sh_direction_gradient(int degree, const Vec3<Real>& n, const Real* w) {
  Vec3<Real> d{};
  if (degree < 1) return d;
  const Real x = n.x, y = n.y, z = n.z;
  d = Real(kSh1) * Vec3<Real>{-w[3], -w[1], w[2]};
  if (degree < 2) return d;
  const Real a = Real(kSh2a), b = Real(kSh2b), c = 2 * Real(kSh2c);
  d.x += a * (w[4] * y - w[7] * z) - 2 * b * w[6] * x + c * w[8] * x;
  d.y += a * (w[4] * x - w[5] * z) - 2 * b * w[6] * y - c * w[8] * y;
  d.z += -a * (w[5] * y + w[7] * x) + 4 * b * w[6] * z;
  if (degree < 3) return d;
  const Real xx = x * x, yy = y * y, zz = z * z;
  const Real p = -Real(kSh3a), q = Real(kSh3b), r = -Real(kSh3c), s = Real(kSh3d), t = Real(kSh3e);
  d.x += p * (w[9] * 6 * x * y + w[15] * 3 * (xx - yy)) + q * w[10] * y * z +
         r * (-2 * w[11] * x * y + w[13] * (4 * zz - 3 * xx - yy)) - 6 * s * w[12] * x * z + 2 * t * w[14] * x * z;
  d.y += p * (w[9] * 3 * (xx - yy) - w[15] * 6 * x * y) + q * w[10] * x * z +
         r * (w[11] * (4 * zz - xx - 3 * yy) - 2 * w[13] * x * y) - 6 * s * w[12] * y * z - 2 * t * w[14] * y * z;
  d.z += q * w[10] * x * y + 8 * r * z * (w[11] * y + w[13] * x) + 3 * s * w[12] * (2 * zz - xx - yy) +
         t * w[14] * (xx - yy);
  return d;
}

}  // namespace lucid
