// SPDX-License-Identifier: Apache-2.0
// Input preparation shared by all backends: checks of shapes and for NaN and Inf, and the camera as a View.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

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
           {"sh", cloud.sh, 3 * sh_count(cloud.sh_degree)}}};
}

/// Checks the views of one forward call with check_shapes(), and that their frames are distinct and not negative
/// (std::logic_error).
void check_jobs(const CloudView<float>& cloud, std::span<const ViewJob> jobs, const std::array<float, 3>& background);

/// Throws std::logic_error unless the frame with this number has a forward pass (count >= 0).
void check_frame(bool has_forward, int number, size_t frames);

/// The frame with this number, for a backward pass or a query; see check_frame().
template <class Frame>
Frame& frame_with_forward(const std::vector<std::unique_ptr<Frame>>& frames, int number) {
  const bool known = number >= 0 && size_t(number) < frames.size() && frames[size_t(number)] != nullptr;
  check_frame(known && frames[size_t(number)]->count >= 0, number, frames.size());
  return *frames[size_t(number)];
}

/// Throws std::logic_error unless the cloud of a backward pass has the size and degree of the forward pass's.
void check_same_cloud(const CloudView<float>& cloud, int64_t forward_count, int forward_sh_degree);

/// Throws the std::length_error for more than 2^32 (tile, Gaussian) pairs.
[[noreturn]] void throw_too_many_pairs();

/// Throws the std::invalid_argument for flat element `at` of a [rows, columns] array, whose value is `value`.
[[noreturn]] void throw_not_finite_element(const char* name, double value, int64_t at, int64_t rows, int64_t columns);

/// The camera in precision Real with its derived values. Expects check_shapes() to have passed.
template <class Real>
View<Real> make_view(const Camera& camera);

/// Row `index` of a [N,3] array.
template <class Real>
Vec3<Real> load3(const Real* from, int64_t index) {
  return {from[3 * index], from[3 * index + 1], from[3 * index + 2]};
}

}  // namespace lucid::render
