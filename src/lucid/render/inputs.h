// SPDX-License-Identifier: Apache-2.0
// What every backend does before it starts: refuse numbers that are not finite, and put the camera into its precision.
#pragma once

#include <array>
#include <cstdint>

#include "lucid/render/kernel_math.h"
#include "lucid/render/rasterize.h"

namespace lucid::render {

/// Throws std::invalid_argument naming the tensor and the index of the first NaN or Inf (or a camera that is none).
template <class Real>
void check_inputs(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background);

/// The half of check_inputs that looks at no element of the cloud: sizes, the camera, the background, missing tensors;
/// and the other half.
template <class Real>
void check_shapes(const CloudView<Real>& cloud, const Camera& camera, const std::array<Real, 3>& background);

template <class Real>
void check_elements(const CloudView<Real>& cloud);

/// The tensors of a cloud in the order in which they are checked.
template <class Real>
struct NamedTensor {
  const char* name;
  const Real* values;
  int columns;
};
template <class Real>
std::array<NamedTensor<Real>, 5> tensors_of(const CloudView<Real>& cloud) {
  return {{{"means", cloud.means, 3},
           {"scales", cloud.scales, 3},
           {"quats", cloud.quats, 4},
           {"opacities", cloud.opacities, 1},
           {"sh", cloud.sh, 3 * (cloud.sh_degree + 1) * (cloud.sh_degree + 1)}}};
}

/// Throws std::invalid_argument: element `at` of a tensor is `value`.
[[noreturn]] void refuse_element(const char* name, double value, int64_t at, int64_t rows, int64_t columns);

template <class Real>
View<Real> make_view(const Camera& camera);

template <class Real>
Vec3<Real> load3(const Real* from, int64_t index) {
  return {from[3 * index], from[3 * index + 1], from[3 * index + 2]};
}

}  // namespace lucid::render
