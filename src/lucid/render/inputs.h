// SPDX-License-Identifier: Apache-2.0
// Input preparation shared by all backends: checks of shapes and for NaN and Inf, and the camera as a View.
#pragma once

#include <array>
#include <cstdint>

#include "lucid/render/kernel_math.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {

/// check_shapes() and check_elements() together.
template <class Real>
void check_inputs(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background);

/// Checks sizes, camera, background and missing arrays, but no element of the cloud. Throws std::invalid_argument.
template <class Real>
void check_shapes(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background);

/// Throws std::invalid_argument with the array and the index of the cloud's first NaN or Inf.
template <class Real>
void check_elements(const CloudView<Real>& cloud);

/// One array of a cloud, for checks: [count, columns].
template <class Real>
struct NamedTensor {
  const char* name;
  const Real* values;
  int columns;
};
/// The arrays of a cloud in the order in which they are checked.
template <class Real>
std::array<NamedTensor<Real>, 5> tensors_of(const CloudView<Real>& cloud) {
  return {{{"means", cloud.means, 3},
           {"scales", cloud.scales, 3},
           {"quats", cloud.quats, 4},
           {"opacities", cloud.opacities, 1},
           {"sh", cloud.sh, 3 * (cloud.sh_degree + 1) * (cloud.sh_degree + 1)}}};
}

/// Throws the std::invalid_argument for flat element `at` of a [rows, columns] array, whose value is `value`.
[[noreturn]] void refuse_element(const char* name, double value, int64_t at, int64_t rows, int64_t columns);

/// The camera in precision Real with its derived values. Expects check_shapes() to have passed.
template <class Real>
View<Real> make_view(const Camera& camera);

/// Row `index` of a [N,3] array.
template <class Real>
Vec3<Real> load3(const Real* from, int64_t index) {
  return {from[3 * index], from[3 * index + 1], from[3 * index + 2]};
}

}  // namespace lucid::render
