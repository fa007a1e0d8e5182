// SPDX-License-Identifier: Apache-2.0
// The transfer function of sRGB (IEC 61966-2-1), for values in [0, 1].
#pragma once

#include <cmath>

namespace lucid {

template <class Real>
Real linear_from_srgb(Real value) {
  return value <= Real(0.04045) ? value / Real(12.92) : std::pow((value + Real(0.055)) / Real(1.055), Real(2.4));
}

template <class Real>
Real srgb_from_linear(Real value) {
  return value <= Real(0.0031308) ? Real(12.92) * value : Real(1.055) * std::pow(value, 1 / Real(2.4)) - Real(0.055);
}

}  // namespace lucid
