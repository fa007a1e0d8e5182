// SPDX-License-Identifier: Apache-2.0
// What every backend does before it starts: refuse numbers that are not finite, and put the camera into its precision.
#pragma once

#include <array>

#include "lucid/render/kernel_math.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {

/// Throws std::invalid_argument naming the tensor and the index of the first NaN or Inf (or a camera that is none).
template <class Real>
void check_inputs(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background);

template <class Real>
View<Real> make_view(const Camera& camera);

template <class Real>
Vec3<Real> load3(const Real* from, int64_t index) {
  return {from[3 * index], from[3 * index + 1], from[3 * index + 2]};
}

}  // namespace lucid::render
